"""``autox run`` as a process of its own, and documents for it."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from autox.api.results import result_from_object
from autox.model.result import ExperimentResult
from tests.clusters import Done
from tests.clusters import run as run_to_end
from tests.forking import AUTOX
from tests.inside import autox

SLOS = {"upper": {"http/error-count": 0, "http/latency-mean": 50}}
ALONE = {"KUBECONFIG": "/nowhere"}
"""An environment without a cluster; whoever looked for one would say so."""


def document(directory: Path, url: str, *, slos: Mapping[str, Any] = SLOS, **inputs: Any) -> Path:
    """An experiment of an HTTP load test and its SLOs."""
    load = {"task": "http", "with": {"url": url, "numRequests": 10, "qps": 200, "timeout": "300ms", **inputs}}
    path = directory / "experiment.yaml"
    path.write_text(json.dumps({"tasks": [load, {"task": "assess", "with": {"SLOs": slos}}]}))
    return path


@asynccontextmanager
async def started(argv: Sequence[str], environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is gone afterwards."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, env={**os.environ, **environ}, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def finished(process: asyncio.subprocess.Process) -> Done:
    """Wait for its end."""
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Done(code=process.returncode or 0, out=out.decode(), err=err.decode())


async def run(*argv: str, environ: Mapping[str, str] = ALONE) -> Done:
    """Run ``autox run ARGV…`` to its end; again if this machine was too busy for its figures to be believed."""
    for _ in range(10):
        done = await asyncio.to_thread(run_to_end, *AUTOX, "run", *argv, environ={**os.environ, **environ})
        if not done.out.startswith("Invalid") and '"reason": "LoadInvalid"' not in done.out:
            break
    return done


async def refused(*argv: str) -> Done:
    """What ``autox run ARGV…`` says that does not come to run anything: within this process."""
    return await asyncio.to_thread(autox, "run", *argv, environ=ALONE)


def printed(done: Done) -> ExperimentResult:
    """The result that a run printed as JSON."""
    return result_from_object(json.loads(done.out))
