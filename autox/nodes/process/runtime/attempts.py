"""One attempt to run a container: its name, its folder, and what the files in it say.

The folder ``pods/UID/containers/NAME/ATTEMPT`` is the claim (made exclusively, before anything is started) and
the record: ``process`` says who runs, ``exit`` how it ended; both are linked in exclusively, so the first writer
is right for ever. The shim writes them; a node writes them only for a shim that did not live to do it.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from autox.model.errors import AlreadyExistsError, InvalidError, StartError
from autox.nodes.process.runtime.processes import ProcessIdentity

_PATH_ELEMENT = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerKey:
    """A container of a pod, and the how many-th time (from 0) it is run."""

    pod_uid: str
    container: str
    attempt: int

    def __str__(self) -> str:
        """``UID/NAME/ATTEMPT``, as its folder is called."""
        return f"{self.pod_uid}/{self.container}/{self.attempt}"


class ContainerState(StrEnum):
    """LOST: it ended, nobody saw how, and nothing of it is left."""

    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLaunch:
    """What to run: nothing here is interpreted any further; ``env`` is the whole environment."""

    key: ContainerKey
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """What is known of an attempt; times in seconds since the epoch.

    Attributes:
        pid: the main process while it runs, else None.
        exit_code: of the main process, 128 + N when signal N ended it; None while it runs and when it was lost.
        signal: the signal that ended it, or None.
    """

    key: ContainerKey
    state: ContainerState
    started_at: float
    pid: int | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcesses:
    """The shim of an attempt and the container's main process."""

    shim: ProcessIdentity
    main: ProcessIdentity
    started_at: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """The files of one attempt."""

    folder: Path
    key: ContainerKey

    @property
    def log(self) -> Path:
        """The log that the shim writes; what was rotated out of it is beside it, with the suffix ``.1``."""
        return self.folder / "log"

    def claim(self) -> None:
        """Make the folder, which only one can.

        Raises:
            AlreadyExistsError: this attempt was started before, by whomever.
            StartError: the disk is full or not writable.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(mode=0o700)
        except FileExistsError as error:
            raise AlreadyExistsError(f"container {self.key} was started before") from error
        except OSError as error:
            raise StartError(f"cannot keep records of container {self.key}: {error.strerror}") from error

    def processes(self) -> RunningProcesses | None:
        """Who was started; None when nobody was, or nobody ever will be."""
        content = _read(self.folder / "process")
        if content is None:
            return None
        return RunningProcesses(
            shim=ProcessIdentity(*content["shim"]),
            main=ProcessIdentity(*content["main"]),
            started_at=content["startedAt"],
        )

    def disown(self) -> bool:
        """Make sure that no shim starts this attempt any more; False when one already has."""
        path = self.folder / "process"
        return not path.exists() and _link_exclusively(path, None)

    def ended(self) -> ContainerRecord | None:
        """The exit record, if there is one."""
        content = _read(self.folder / "exit")
        if content is None:
            return None
        return ContainerRecord(
            key=self.key,
            state=ContainerState.LOST if content["exitCode"] is None else ContainerState.EXITED,
            started_at=content["startedAt"],
            finished_at=content["finishedAt"],
            exit_code=content["exitCode"],
            signal=content["signal"],
        )

    def settle(self, record: ContainerRecord) -> ContainerRecord:
        """Write the exit record unless there is one; returns the one that stands."""
        _link_exclusively(
            self.folder / "exit",
            {
                "exitCode": record.exit_code,
                "signal": record.signal,
                "startedAt": record.started_at,
                "finishedAt": record.finished_at,
            },
        )
        return self.ended() or record


def attempt_of(root: Path, key: ContainerKey) -> Attempt:
    """The files of ``key`` under the state directory ``root``.

    Raises:
        InvalidError: a pod UID or container name that cannot be the name of a folder.
    """
    if not _PATH_ELEMENT.fullmatch(key.container) or key.attempt < 0:
        raise InvalidError(f"not the name of a container: {key}")
    return Attempt(pod_folder(root, key.pod_uid) / "containers" / key.container / str(key.attempt), key)


def pod_folder(root: Path, pod_uid: str) -> Path:
    """Where everything of a pod is kept.

    Raises:
        InvalidError: a UID that cannot be the name of a folder.
    """
    if not _PATH_ELEMENT.fullmatch(pod_uid):
        raise InvalidError(f"not the UID of a pod: {pod_uid!r}")
    return root / "pods" / pod_uid


def attempts_in(root: Path, *, pod_uid: str = "*", container: str = "*") -> list[Attempt]:
    """The attempts that have a folder, of one container, one pod or all; of each container the oldest first.

    Args:
        root: the state directory.
        pod_uid: of the pod; ``*`` for all pods.
        container: name of the container; ``*`` for all containers.
    """
    found = []
    for folder in (root / "pods").glob(f"{pod_uid}/containers/{container}/*"):
        if folder.name.isdecimal():
            *_, uid, _, name, number = folder.parts
            key = ContainerKey(pod_uid=uid, container=name, attempt=int(number))
            found.append(Attempt(folder, key))
    return sorted(found, key=lambda attempt: (attempt.key.pod_uid, attempt.key.container, attempt.key.attempt))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        # NB: a machine that lost its power may leave a linked but empty file: that attempt is lost, not an error.
        return None
    return content if isinstance(content, dict) else None


def _link_exclusively(path: Path, content: object) -> bool:
    """Make ``path`` with its whole content, durably, unless it is there."""
    try:
        fd, temporary = tempfile.mkstemp(dir=path.parent)
    except FileNotFoundError:
        return False
    try:
        with os.fdopen(fd, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)  # noqa: PTH108  - mkstemp gives a str
    return True
