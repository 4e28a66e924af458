"""Files by which an agent's state directory says who uses it and whether its nodes are registered.

``agent.lock`` is locked (flock) for as long as an agent lives and by nothing that it starts, so a killed agent leaves
no stale lock. ``ready`` appears, whole, when every node is registered, and goes when the agent stops; one that a
killed agent left behind is removed before the next one does anything. Who reads it must check that the agent whose
pid it names still runs.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autox.model.errors import ConfigurationError


@contextmanager
def claimed(state_dir: Path | None) -> Iterator[Path | None]:
    """Hold a state directory, made with mode 0700 if it is not there; without one there is nothing to hold.

    Yields:
        the state directory.

    Raises:
        ConfigurationError: another agent holds it, or it cannot be made or written.
    """
    if state_dir is None:
        yield None
        return
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state_dir / "agent.lock").open("a")
    except OSError as error:
        raise ConfigurationError(
            f"cannot use the state directory {state_dir}: {error.strerror}", hint="choose a stateDir that you can write"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"another agent uses the state directory {state_dir}",
                hint="stop that agent, or give this one a stateDir of its own",
            ) from error
        withdraw(state_dir)
        try:
            yield state_dir
        finally:
            withdraw(state_dir)


def announce(state_dir: Path, *, nodes: list[str]) -> None:
    """Write the file ``ready``: this process has registered these nodes.

    Raises:
        ConfigurationError: it cannot be written.
    """
    unfinished = state_dir / "ready.new"
    try:
        unfinished.write_text(json.dumps({"pid": os.getpid(), "nodes": nodes}), encoding="utf-8")
        unfinished.replace(state_dir / "ready")
    except OSError as error:
        raise ConfigurationError(f"cannot write {state_dir / 'ready'}: {error.strerror}") from error


def withdraw(state_dir: Path) -> None:
    """Remove the file ``ready``.

    Raises:
        ConfigurationError: it cannot be removed.
    """
    try:
        (state_dir / "ready").unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot remove {state_dir / 'ready'}: {error.strerror}") from error
