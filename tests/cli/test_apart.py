"""A function that runs in a child process."""

import os
import sys

import pytest

from autox.cli.parts.apart import apart
from autox.model.errors import ConfigurationError


def test_value() -> None:
    """Its value comes back, and what it imported and did stays in the child."""

    def work() -> tuple[int, bytes]:
        os.environ["ONLY_IN_THE_CHILD"] = "1"
        return os.getpid(), b"x" * 1_000_000

    pid, value = apart(work)

    assert pid != os.getpid()
    assert value == b"x" * 1_000_000
    assert "ONLY_IN_THE_CHILD" not in os.environ


def test_error() -> None:
    """A mistake of the user's comes back as the error that it is, with its hint."""

    def work() -> None:
        raise ConfigurationError("no", hint="yes")

    with pytest.raises(ConfigurationError) as told:
        apart(work)
    assert (told.value.message, told.value.hint) == ("no", "yes")


def test_defect(capfd: pytest.CaptureFixture[str]) -> None:
    """A defect is told with its traceback, and the caller goes no further."""

    def work() -> None:
        sys.stderr.flush()
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="without a word"):
        apart(work)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_no_child_is_left() -> None:
    """The child is gone when the value is there."""
    pid = apart(os.getpid)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
