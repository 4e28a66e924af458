"""``python -m tests.faults``: every planted fault, and the tables of what was said beside the truth."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.clusters import LocalCluster
from tests.faults import components, density, http
from tests.faults.planting import planted, side_by_side
from tests.faults.table import Row, printed
from tests.faults.webservers import Certificates

TIMES = 5
"""So many times the load of the quick form."""


def _http(directory: Path) -> list[Row]:
    certificates = Certificates(directory)
    os.environ["SSL_CERT_FILE"] = str(certificates.authority)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(http.all_told(http.faults(certificates), times=TIMES))


def _density(directory: Path) -> list[Row]:
    cluster = LocalCluster(name="faults", state=directory)

    async def told() -> list[Row]:
        rows = await side_by_side(density.IN_ITS_NAMESPACE, cluster, directory)
        return rows + [await planted(fault, cluster, directory) for fault in components.ALONE]

    try:
        cluster.up()
        return asyncio.run(told())
    finally:
        cluster.down()


def main() -> int:
    """Print the tables; exit code 1 if something was told wrongly."""
    found: list[Row] = []
    for title, plant in (("http", _http), ("density", _density)):
        with tempfile.TemporaryDirectory() as directory:
            rows = plant(Path(directory))
        sys.stdout.write(printed(title, rows) + "\n\n")
        sys.stdout.flush()
        found += rows
    return int(any(row.trouble for row in found))


if __name__ == "__main__":
    sys.exit(main())
