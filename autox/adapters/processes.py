"""One run of a program that must not outlive our interest in it: bounded in time and output, ended as a group.

Made for helm. pyhelm3's own runner goes through a shell, which takes the signal meant for helm and leaves helm running,
and it reads without limit; ``asyncio``'s ``communicate`` reads without limit too.
"""

import asyncio
import errno
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autox.model.errors import ConfigurationError, DeadlineError, TransientError

GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL
_PIECE = 64 * 1024
_SHORTAGES = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""Of memory, processes or open files: they pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        argv: the program's path and its arguments.
        environ: its whole environment.
        directory: where it runs.
        seconds: how long it may take.
        output_bytes: how much of its output, and of its errors, is kept; what comes after that is thrown away.
        inherited: open files of ours that it keeps open as long as it lives, with its children.
    """

    argv: Sequence[str]
    environ: Mapping[str, str]
    directory: Path
    seconds: float
    output_bytes: int
    inherited: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended; the code is negative if a signal ended it."""

    code: int
    out: bytes
    err: bytes


async def run(program: Program, *, stdin: bytes = b"") -> Ended:
    """Run a program to its end; cancelled, it ends the program and all that the program started.

    Raises:
        ConfigurationError: it cannot be started.
        TransientError: it cannot be started for the moment.
        DeadlineError: it took too long, and was ended.
    """
    name = Path(program.argv[0]).name
    try:
        process = await _started(program, stdin)
    except OSError as error:
        message = f"{name} cannot be run: {error.strerror}"
        raise (TransientError if error.errno in _SHORTAGES else ConfigurationError)(message) from error
    talking = asyncio.ensure_future(_talk(process, program.output_bytes))
    try:
        # NB: not asyncio.timeout, which misbehaves on Python 3.11.2 in a task that was cancelled before it began.
        await asyncio.wait((talking,), timeout=program.seconds)
        if not talking.done():
            raise DeadlineError(f"{name} did not end within {program.seconds:g} s")
        return talking.result()
    finally:
        if not talking.done():
            await _end(process, talking)


async def _started(program: Program, stdin: bytes) -> asyncio.subprocess.Process:
    # NB: in memory and complete before the program starts. Were it a pipe, a program that outlives us could take what
    # it has read so far, nothing perhaps, for the whole.
    with os.fdopen(os.memfd_create("stdin"), "wb+") as file:
        file.write(stdin)
        file.seek(0)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *program.argv,
                stdin=file,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(program.environ),
                cwd=program.directory,
                start_new_session=True,
                pass_fds=program.inherited,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # NB: cancelled in its start, asyncio would kill the program and let its children live.
            while not starting.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((starting,))
            if starting.exception() is None:
                process = starting.result()
                await _end(process, asyncio.ensure_future(_talk(process, program.output_bytes)))
            raise


async def _talk(process: asyncio.subprocess.Process, limit: int) -> Ended:
    out, err = await asyncio.gather(_read(process.stdout, limit), _read(process.stderr, limit))
    return Ended(code=await process.wait(), out=out, err=err)


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    kept = bytearray()
    # NB: it must be read to its end, kept or not: a program whose pipe is full would stand still.
    while stream is not None and (piece := await stream.read(_PIECE)):
        kept += piece[: limit - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process, talking: asyncio.Future[Ended]) -> None:
    """SIGTERM to the group, then SIGKILL; returns when the program is reaped, even if cancelled meanwhile."""
    try:
        _signal(process, signal.SIGTERM)
        await asyncio.wait((talking,), timeout=GRACE_SECONDS)
    finally:
        if not talking.done():
            _signal(process, signal.SIGKILL)
            # NB: nothing to wait for but the kernel.
            await asyncio.wait((talking,), timeout=1.0)
            talking.cancel()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The group may live on without its first process: then it holds our pipes, and its number is still taken.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
