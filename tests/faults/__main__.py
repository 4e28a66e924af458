"""``python -m tests.faults``: every planted fault, and the tables of what was said beside the truth."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.faults import http
from tests.faults.table import Row, printed
from tests.faults.webservers import Certificates

TIMES = 5
"""So many times the load of the quick form."""


def _http(directory: Path) -> list[Row]:
    certificates = Certificates(directory)
    os.environ["SSL_CERT_FILE"] = str(certificates.authority)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(http.all_told(http.faults(certificates), times=TIMES))


def main() -> int:
    """Print the tables; exit code 1 if something was told wrongly."""
    with tempfile.TemporaryDirectory() as directory:
        rows = _http(Path(directory))
    sys.stdout.write(printed("http", rows) + "\n")
    return int(any(row.trouble for row in rows))


if __name__ == "__main__":
    sys.exit(main())
