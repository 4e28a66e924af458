"""``autox cluster binaries`` as a user meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autox.cli.commands.cluster.binaries import binaries
from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.tools import CONTROL_PLANE, Tool
from autox.model.errors import ConfigurationError, PermanentError
from tests.binaries.programs import install_all


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No binaries anywhere but where a test puts them."""
    for name in ("AUTOX_BINARIES", "KUBEBUILDER_ASSETS", "AUTOX_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(binaries, arguments)


def test_a_table_says_what_comes_from_where(tmp_path: Path) -> None:
    """One line for each tool, aligned, the longest column last."""
    directory = install_all(tmp_path / "mine")
    result = _run("--dir", str(directory))

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["TOOL", "VERSION", "SOURCE", "PATH"]
    cells = [line.split() for line in lines[1:]]
    assert [(tool, source, path) for tool, _, source, path in cells] == [
        (tool, "directory", str(directory / tool)) for tool in CONTROL_PLANE
    ]
    assert all(version.startswith(pinned(Tool(tool))) for tool, version, *_ in cells)
    assert len({line.index(str(directory)) for line in lines[1:]} | {lines[0].index("PATH")}) == 1


def test_json_is_for_programs(tmp_path: Path) -> None:
    """The same facts, and nothing else on standard output."""
    install_all(tmp_path / "path")
    found = json.loads(_run("-o", "json").stdout)

    assert found[0] == {
        "tool": "etcd",
        "version": pinned(Tool.ETCD),
        "source": "PATH",
        "path": str(tmp_path / "path" / "etcd"),
    }
    assert [each["tool"] for each in found] == list(CONTROL_PLANE)


def test_what_cannot_be_had_is_an_error_with_reasons() -> None:
    """Offline on a bare machine: all sources say why."""
    result = _run("--offline")

    assert isinstance(result.exception, PermanentError)
    assert "download: offline" in result.exception.message


@pytest.mark.parametrize("arguments", [("--mirror", "nonsense"), ("--dir", "/no/such/directory")])
def test_a_mistake_in_the_flags_is_told_as_one(arguments: tuple[str, ...]) -> None:
    """A mistyped flag never leads to a download."""
    assert isinstance(_run(*arguments).exception, ConfigurationError)


def test_help_says_in_which_order_binaries_are_looked_for() -> None:
    """The order is what one needs to know when the wrong copy is used."""
    shown = _run("--help").stdout

    assert (
        shown.index("AUTOX_BINARIES") < shown.index("KUBEBUILDER_ASSETS") < shown.index("SHA-256") < shown.index("Go")
    )
    assert max(map(len, shown.splitlines())) <= 80
