"""What holds of the tree itself."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "autox").rglob("*.py"))
LONGEST = 400
DRAWERS = re.compile(r"^(utils?|helpers?|common|misc|base|manager)(\.py)?$")
ADDRESSES = re.compile(r"registry *= *\"?https?://|--(?:extra-)?index-url +https?://|index-url *=|GOPROXY=https?://")


def tracked() -> list[Path]:
    """The files that a stranger gets."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_can_be_read(module: Path) -> None:
    """A module is short enough to be read in one sitting, says why it exists, and its name says what it is."""
    text = module.read_text()

    assert len(text.splitlines()) <= LONGEST
    assert text.lstrip().startswith(('"""', 'r"""'))
    assert not DRAWERS.match(module.name)


def test_no_addresses_of_registries() -> None:
    """Nothing in the tree decides where a stranger's packages come from."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if path.suffix not in (".sum", ".py")
        for line in path.read_text(errors="replace").splitlines()
        if ADDRESSES.search(line)
    ]

    assert found == []


def test_lock_files_are_hashed() -> None:
    """Every pinned dependency carries its hashes."""
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        pins = re.findall(r"^[a-z0-9_.\[\]-]+==.*(?:\n .*)*", lock.read_text(), re.MULTILINE)
        assert pins
        assert [pin.split(" ")[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_no_test_is_skipped() -> None:
    """A skipped test looks as if it passed: what a new machine lacks is got, or its test belongs to ``make e2e``."""
    skipping = re.compile(r"\b(pytest\.skip|importorskip|mark\.skip(if)?)\b")
    here = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if path.is_relative_to(ROOT / "tests") and path.suffix == ".py" and path != here
        for line in path.read_text().splitlines()
        if skipping.search(line)
    ]

    assert found == []


def test_make_e2e_names_every_file_of_its_own() -> None:
    """A test that ``make test`` leaves to ``make e2e`` is run there: what neither runs looks as if it passed, too."""
    marks = re.compile(r"pytest\.mark\.(root|realnode)\b")
    here = Path(__file__)
    wanted = {
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.is_relative_to(ROOT / "tests") and path.suffix == ".py" and path != here
        if marks.search(path.read_text())
    }

    assert wanted <= {*re.findall(r"tests/\S+\.py", (ROOT / "Makefile").read_text())}
