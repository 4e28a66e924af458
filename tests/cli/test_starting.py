"""What a command loads before it does anything: most of what a short one costs, so each loads only what it needs."""

import gc
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from autox.cli.commands.cluster import cluster
from autox.cli.main import main
from autox.cli.parts.lazygroup import LazyGroup, loaded
from autox.model.errors import UnsupportedError

HEAVY = frozenset(
    (
        *("aiohttp", "apscheduler", "asyncio", "cryptography", "jinja2", "kopf", "kubernetes", "msgspec"),
        *("psutil", "pydantic", "pyhelm3", "uvloop", "yaml"),
    )
)
"""Libraries that take from 10 to 400 ms of CPU to import."""

LOADED = {
    "": "",
    "cluster": "",
    "cluster env": "",
    "cluster kubeconfig": "",
    "cluster logs": "",
    "cluster down": "asyncio psutil",
    "cluster load": "asyncio psutil",
    "cluster list": "asyncio psutil",
    "cluster status": "asyncio psutil",
    "cluster up": "asyncio cryptography msgspec psutil yaml",
    "history": "asyncio msgspec pydantic yaml",
    "report": "asyncio msgspec pydantic yaml",
    "run": "asyncio msgspec pydantic uvloop yaml",
    "why": "asyncio msgspec pydantic yaml",
    "nodes": "",
}
"""What of it each command may load."""

PROGRAM = """\
import json, os, sys
import click
from autox.cli.main import main

loaded = {}
for words in json.load(sys.stdin):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        command = main
        for word in words.split():
            command = command.get_command(click.Context(command, info_name=word), word)
        os.write(writer, " ".join(sorted({name.partition(".")[0] for name in sys.modules})).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        loaded[words] = answer.read().split()
    os.waitpid(child, 0)
print(json.dumps(loaded))
"""
"""Each command in a child process of its own, which has nothing from the others."""


@pytest.fixture(scope="module")
def packages() -> Mapping[str, frozenset[str]]:
    """By command: the packages that are there when it is about to begin."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps([*LOADED]), check=True, capture_output=True, text=True
    ).stdout
    return {words: frozenset(names) for words, names in json.loads(told).items()}


@pytest.mark.parametrize("words", LOADED)
def test_a_command_loads_what_it_needs(words: str, packages: Mapping[str, frozenset[str]]) -> None:
    """Who asks for the path of a kubeconfig waits for no HTTP client: `autox cluster env` took 0.6 s of CPU for it.

    Nor does a report for a terminal wait for what makes one for a browser.
    """
    assert packages[words] & HEAVY == frozenset(LOADED[words].split())


def commands(group: LazyGroup, words: str) -> Iterator[tuple[str, click.Command, str]]:
    """Each command below a group, in words, and what the group's table says of it."""
    for name, (_, told) in group.table.items():
        found = group.get_command(click.Context(group, info_name=words), name)
        assert found is not None
        yield f"{words} {name}".strip(), found, told
        if isinstance(found, LazyGroup):
            yield from commands(found, name)


def test_the_list_of_commands_says_what_each_says_itself() -> None:
    """``--help`` of a group lists its commands without loading them, and says of each what its own help begins with."""
    assert isinstance(main, LazyGroup)
    assert isinstance(cluster, LazyGroup)
    own = {words: command.get_short_help_str(limit=100) for words, command, _ in commands(cluster, "cluster")}

    assert own == {words: told for words, _, told in commands(cluster, "cluster")}
    assert own.keys() >= {words for words in LOADED if words.startswith("cluster ")}


def test_a_command_whose_library_is_not_there_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In autox's image, which brings up no clusters, `autox cluster up` names the library and is no traceback."""
    (tmp_path / "lacking.py").write_text("import nosuchlibrary\n")
    monkeypatch.syspath_prepend(tmp_path)
    inner = LazyGroup("cluster", table={"up": ("lacking:up", "Bring it up.")})
    outer = click.Group("autox", commands={"cluster": inner})

    ended = CliRunner().invoke(outer, ["cluster", "up"])

    assert isinstance(ended.exception, UnsupportedError)
    assert ended.exception.message == "autox cluster up needs the library nosuchlibrary, which is not installed here"


@pytest.mark.parametrize("text", ["WHAT = 1\n", "raise ValueError('broken')\n"], ids=["whole", "broken"])
def test_garbage_is_collected_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What a command makes after it was loaded, or when that failed, is collected as ever: a controller lives long."""
    (tmp_path / "passing.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "passing", raising=False)
    try:
        with suppress(ValueError):
            assert loaded("passing").WHAT == 1
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
