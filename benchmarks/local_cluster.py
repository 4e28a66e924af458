"""The cluster that benchmarks measure, or measure on: brought up by the command that users type, gone afterwards."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AUTOX = [sys.executable, "-m", "autox", "cluster"]


def autox(environ: dict[str, str], *argv: str) -> str:
    """Run ``autox cluster ARGV…`` and return what it printed."""
    return subprocess.run([*AUTOX, *argv], env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def state_directory() -> Iterator[dict[str, str]]:
    """An environment in which clusters keep their state in a directory of this run's own; all are taken down."""
    with tempfile.TemporaryDirectory(prefix="autox-bench-") as directory:
        environ = {**os.environ, "XDG_STATE_HOME": directory}
        try:
            yield environ
        finally:
            autox(environ, "down")


@contextmanager
def local_cluster(*argv: str) -> Iterator[dict[str, Any]]:
    """What ``status`` says of a cluster that is up, and is taken down afterwards."""
    with state_directory() as environ:
        autox(environ, "up", *argv)
        status: dict[str, Any] = json.loads(autox(environ, "status", "-o", "json"))
        yield status
