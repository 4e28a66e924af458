"""What a user sees after a mistake: plain words, what to do, a stable exit code, nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autox.cli.parts.output import exit_code, explain
from autox.model.errors import AutoxError, ConfigurationError, DeadlineError, PermanentError, TransientError
from tests import inside
from tests.clusters import Done


def autox(*argv: str, state: Path) -> Done:
    """Run ``autox ARGV…`` with no cluster there."""
    return inside.autox(*argv, environ={"XDG_STATE_HOME": str(state)})


@pytest.mark.parametrize(
    ("error", "code"), [(ConfigurationError, 2), (DeadlineError, 4), (PermanentError, 3), (TransientError, 3)]
)
def test_exit_codes(error: type[AutoxError], code: int) -> None:
    """A script can tell a mistake of its own from a deadline and from everything else."""
    assert exit_code(error("x")) == code


def test_words() -> None:
    """What is wrong comes first, what to do after it; without a hint there is no empty line."""
    assert explain(AutoxError("no such thing", hint="look there")) == "error: no such thing\nhint: look there"
    assert explain(AutoxError("no such thing")) == "error: no such thing"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("cluster", "up", "--name", "A_B"), 2, "cannot be a cluster's name"),
        (("cluster", "up", "--set", "x"), 2, "not a setting"),
        (("cluster", "up", "--nodes", "-1"), 2, "--nodes -1"),
        (("cluster", "up", "--nodes", "many"), 2, "not a valid integer"),
        (("cluster", "logs", "kublet"), 2, "'apiServer'"),
        (("cluster", "kubeconfig", "--name", "nope"), 3, "there is no cluster nope"),
        (("cluster", "env", "--name", "nope"), 3, "autox cluster up --name nope"),
        (("cluster", "binaries", "--dir", "/nonexistent"), 2, "/nonexistent"),
        (("nodes", "run", "--config", "/nonexistent"), 2, "/nonexistent cannot be read"),
        (("nodes", "run"), 2, "--config"),
        (("clutser",), 2, "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistake(argv: tuple[str, ...], code: int, words: str, tmp_path: Path) -> None:
    """A mistake is named, without a traceback, and leaves no half-made cluster."""
    done = autox(*argv, state=tmp_path)

    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_help_is_complete(tmp_path: Path) -> None:
    """Every command and option is explained in --help, in 80 columns and with its examples on lines of their own."""
    top = autox("--help", state=tmp_path).out
    assert {"cluster", "nodes"} <= set(top.split())
    verbs = {
        "cluster": ("up", "down", "status", "list", "kubeconfig", "env", "logs", "binaries"),
        "nodes": ("run", "remove", "status"),
    }
    for group, verb in [(group, verb) for group, all_verbs in verbs.items() for verb in all_verbs]:
        done = autox(group, verb, "--help", state=tmp_path)
        assert done.code == 0
        assert all(len(line) <= 80 for line in done.out.splitlines())
        assert "\\b" not in done.out


def test_reader_that_goes_away(tmp_path: Path) -> None:
    """``autox … | head`` ends without a complaint when the reader has seen enough."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "autox", "cluster", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        check=False,
    )
    os.close(write)

    assert done.stderr == b""
    assert done.returncode == 0
