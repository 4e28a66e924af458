"""The map of the architecture is the one of the code: whoever reads it may rely on each arrow, and misses none."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs" / "architecture.md"
NOT_DRAWN = frozenset({"", "__main__", "testing"})
"""The package itself, its entry, and what is there for tests."""

Arrows = Mapping[str, frozenset[str]]


def imports() -> Arrows:
    """Which part of autox imports which, whatever follows from others left out."""
    graph = grimp.build_graph("autox", cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            found.setdefault(part(module), set()).add(part(imported))
    direct = {name: found.get(name, set()) - NOT_DRAWN - {name} for name in parts()}

    def below(name: str) -> set[str]:
        return direct[name].union(*map(below, direct[name]))

    return {
        name: frozenset(each for each in targets if not any(each in below(other) for other in targets))
        for name, targets in direct.items()
    }


def part(module: str) -> str:
    """``cli`` for ``autox.cli.commands.history``."""
    return module.partition(".")[2].partition(".")[0]


def parts() -> frozenset[str]:
    """The packages of autox, and the modules beside them."""
    found = {
        path.stem for path in (ROOT / "autox").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    return frozenset(found - NOT_DRAWN - {"__init__"})


def drawn(text: str) -> Arrows:
    """The arrows of a map between the parts of autox, those of the world around it left out."""
    found: dict[str, set[str]] = {}
    for sources, targets in re.findall(r"^ +([\w &]+) --> ([\w &]+)$", text, re.MULTILINE):
        for source in sources.split(" & "):
            found.setdefault(source, set()).update(targets.split(" & "))
    return {name: frozenset(targets) for name, targets in found.items()}


def arrows(of: Arrows) -> Iterator[str]:
    """Each as it is drawn."""
    yield from sorted(f"{source} --> {target}" for source, targets in of.items() for target in targets)


def test_the_arrows_are_the_imports() -> None:
    """The map had arrows that are not there, and missed two that are."""
    assert list(arrows(drawn(MAP.read_text()))) == list(arrows(imports()))


@pytest.mark.parametrize("name", sorted(parts()))
def test_each_part_is_on_the_map_and_in_the_table(name: str) -> None:
    """Nobody has to guess what a folder is."""
    text = MAP.read_text()

    assert re.search(rf'^ +{name}\["{name}: ', text, re.MULTILINE)
    assert re.search(rf"^\| .*`autox/{name}(\.py)?`", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("    core --> model\n    core --> kube", "core --> kube"),
        ("    core & api --> model", "api --> model"),
        ("    cli --> nodes", "cli --> nodes"),
    ],
)
def test_an_arrow_too_many_is_seen(line: str, wrong: str) -> None:
    """One against the grain, one of several sources, and one that follows from others."""
    assert wrong in set(arrows(drawn(line))) - set(arrows(imports()))


TOUCHED = re.compile(r"\b(create|apply|patch|delete|get|list|pages)\(\s*EXPERIMENTS\b")
"""What a record says is written or read; lists of names alone, watches and Events are no such thing."""


def touched(text: str) -> list[str]:
    """How a module gets at the content of records itself."""
    return [found[1] for found in TOUCHED.finditer(text)]


def test_records_are_read_and_written_by_the_store() -> None:
    """Controller, run and commands each had a way of their own to a record, and one missed what another had kept."""
    store = ROOT / "autox" / "store"
    found = {
        str(path.relative_to(ROOT)): touched(path.read_text())
        for path in (ROOT / "autox").rglob("*.py")
        if not path.is_relative_to(store)
    }

    assert {path: ways for path, ways in found.items() if ways} == {}
    assert {"create", "apply", "get", "list"} <= set(touched((store / "records.py").read_text()))
