"""A pod has one seat for a controller: who gets it knows that everybody who had it before is dead, Helms included."""

import subprocess
import sys
from pathlib import Path

import pytest

from autox.adapters.seat import Seat

_SIT = """
import subprocess, sys
from autox.adapters.seat import Seat
seat = Seat.take({"POD_NAME": "autox-7", "POD_UID": "5f0c", "HOME": sys.argv[1]}, seconds=0)
if sys.argv[2] == "with a helm":
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    helm = subprocess.Popen(argv, stdin=0, stdout=1, pass_fds=seat.inherited)
print(seat.identity, flush=True)
input()
"""


class Process:
    """Another process that takes a seat."""

    def __init__(self, home: Path, how: str = "alone") -> None:
        self._is_alone = how == "alone"
        argv = [sys.executable, "-c", _SIT, str(home), how]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.identity = self._process.stdout.readline().strip()

    def kill(self) -> None:
        """SIGKILL, its Helm lives on."""
        self._process.kill()
        self._process.wait()
        if self._is_alone:
            self._let_go()

    def end_helm(self) -> None:
        """Let the Helm end, and wait until it has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.read()
        self._let_go()

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def seat(home: Path, *, pod: str = "5f0c") -> Seat:
    """The seat that this process gets."""
    return Seat.take({"POD_NAME": "autox-7", "POD_UID": pod, "HOME": str(home)}, seconds=0)


def test_who_starts_again_in_a_pod_knows_that_the_one_before_is_dead(tmp_path: Path) -> None:
    """It waited 15 s for the Lease of a process that could not be alive."""
    before = Process(tmp_path)
    assert before.identity.startswith("autox-7_5f0c_")
    before.kill()
    after = seat(tmp_path)

    assert after.is_ended(before.identity)
    assert not after.is_ended(after.identity)
    assert not after.is_ended(after.claim)


def test_two_processes_of_a_pod_are_not_taken_for_each_other(tmp_path: Path) -> None:
    """One that is started by hand in the pod claims nothing of it, and neither thinks that the other is dead."""
    first = Process(tmp_path)
    second = seat(tmp_path)
    assert "5f0c" not in second.identity
    assert not second.is_ended(first.identity)
    first.kill()

    third = seat(tmp_path)
    assert third.is_ended(first.identity)
    assert not third.is_ended(second.identity)


def test_a_helm_that_lives_on_keeps_the_seat(tmp_path: Path) -> None:
    """What it still makes must not be taken from under it."""
    before = Process(tmp_path, "with a helm")
    before.kill()
    assert not seat(tmp_path).is_ended(before.identity)
    before.end_helm()

    assert seat(tmp_path).is_ended(before.identity)


@pytest.mark.parametrize("environ", [{}, {"POD_UID": "5f0c"}, {"POD_UID": "5f0c", "HOME": "/proc/nowhere"}])
def test_without_a_pod_nobody_is_known_to_be_dead(environ: dict[str, str]) -> None:
    """On a laptop, or without a volume, a Lease is waited for as ever."""
    stranger = Seat.take(environ, seconds=0)
    assert not any(map(stranger.is_ended, ("autox-7_5f0c_0011", "5f0c_0011", "_0011", "", stranger.identity)))


def test_another_pod_is_another_seat(tmp_path: Path) -> None:
    """Replicas are strangers to each other."""
    mine = seat(tmp_path, pod="77aa")
    assert not mine.is_ended("autox-7_5f0c_0011")
    assert not mine.is_ended("5f0c_0011")
