"""The controller's seat in its pod: one process at a time has it, and whoever had it before is dead.

A controller that is killed leaves a Lease, and perhaps a Helm release half done, that nobody may touch until they have
run out: it might be alive. In its own pod that can be known. The kernel holds a lock on a file in a volume of the pod,
and lets go of it when the last process that has it is gone: the controller, and each Helm that it started. Whoever has
the seat may take at once what an earlier process of the same pod has left.

A process that does not get the seat, one started by hand beside the other, claims nothing of the pod, and waits like
any stranger; so a claim of this pod that is not ours is always a dead one's. Rejected: the pod's name or uid alone,
which two processes of a pod share; and the process id, which is 1 each time.
"""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path

WAIT_SECONDS = 3.0  # for a Helm that is only just dying
_FILE = "autox-controller.seat"


class Seat:
    """Who this process is, and of whom it knows that they are dead."""

    def __init__(self, *, name: str, pod: str, descriptor: int | None) -> None:
        """See ``take``."""
        self._pod = pod if descriptor is not None else ""
        self._claim = f"{self._pod}_{secrets.token_hex(4)}".removeprefix("_")
        self._descriptor = descriptor
        self.identity = f"{name}_{self._claim}"

    @classmethod
    def take(cls, environ: Mapping[str, str], *, seconds: float = WAIT_SECONDS) -> "Seat":
        """Sit down, or stand like a stranger.

        Args:
            environ: ``POD_NAME`` and ``POD_UID`` of the pod, and ``HOME`` in a volume that outlives the container.
            seconds: how long to wait for whoever is only just dying.
        """
        pod, home = environ.get("POD_UID", ""), environ.get("HOME", "")
        name = environ.get("POD_NAME") or socket.gethostname()
        return cls(name=name, pod=pod, descriptor=_locked(Path(home) / _FILE, seconds) if pod and home else None)

    @property
    def claim(self) -> str:
        """Who this is, short enough for a label."""
        return self._claim

    @property
    def inherited(self) -> tuple[int, ...]:
        """What a program must keep open that is not to outlive the seat."""
        return () if self._descriptor is None else (self._descriptor,)

    def is_ended(self, other: str) -> bool:
        """Whether the process of that identity or claim is known to have ended, and all its Helms with it."""
        claim = "_".join(other.split("_")[-2:])
        return bool(self._pod) and claim.startswith(f"{self._pod}_") and claim != self._claim


def _locked(path: Path, seconds: float) -> int | None:
    """An open file with the lock on it; None if another process has it, or there is no such place."""
    until = time.monotonic() + seconds
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                os.close(descriptor)
                return None
            time.sleep(0.05)
        else:
            return descriptor
