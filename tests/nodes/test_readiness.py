"""The files by which an agent says that it holds a state directory and that its nodes are registered."""

import json
import os
from pathlib import Path

import pytest

from autox.model.errors import ConfigurationError
from autox.nodes.agent.readiness import announce, claimed


def test_ready_is_there_only_while_the_agent_is(tmp_path: Path) -> None:
    """Whoever waits for the file never sees that of an agent which has stopped."""
    with claimed(tmp_path) as held:
        assert held == tmp_path
        assert not (tmp_path / "ready").exists()
        announce(tmp_path, nodes=["a", "b"])
        assert json.loads((tmp_path / "ready").read_text()) == {"pid": os.getpid(), "nodes": ["a", "b"]}

    assert not (tmp_path / "ready").exists()


def test_ready_goes_when_the_agent_fails(tmp_path: Path) -> None:
    """An agent that ends with an error is not ready either."""

    def fail() -> None:
        with claimed(tmp_path):
            announce(tmp_path, nodes=["a"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not (tmp_path / "ready").exists()


def test_what_a_killed_agent_left_behind_is_removed(tmp_path: Path) -> None:
    """A stale file is gone before the next agent does anything."""
    (tmp_path / "ready").write_text("{}")
    (tmp_path / "ready.new").write_text("{")

    with claimed(tmp_path):
        assert not (tmp_path / "ready").exists()


def test_two_agents_never_share_a_state_directory(tmp_path: Path) -> None:
    """The second is refused in plain words, and the first one's file stays."""
    with claimed(tmp_path):
        announce(tmp_path, nodes=["a"])
        with pytest.raises(ConfigurationError, match="another agent uses the state directory"), claimed(tmp_path):
            pytest.fail("two agents in one directory")
        assert (tmp_path / "ready").exists()

    with claimed(tmp_path):
        pass


def test_a_new_state_directory_is_private(tmp_path: Path) -> None:
    """Nobody else may look into what pods were given."""
    with claimed(tmp_path / "new" / "one"):
        assert (tmp_path / "new" / "one").stat().st_mode & 0o777 == 0o700


def test_a_state_directory_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    """A file in the way is named with the directory that was wanted."""
    (tmp_path / "file").touch()

    with (
        pytest.raises(ConfigurationError, match="cannot use the state directory"),
        claimed(tmp_path / "file" / "state"),
    ):
        pytest.fail("it is a file")


def test_an_agent_without_state_directory_needs_none() -> None:
    """Mock nodes keep nothing on disk."""
    with claimed(None) as held:
        assert held is None
