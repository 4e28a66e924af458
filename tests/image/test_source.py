"""What goes into the image: what git tracks, what the lock file names, and what of it is loaded."""

import subprocess
from pathlib import Path

import pytest

from image.commands import BuildError
from image.lock import BACKEND, select
from image.source import PARTS, Source
from image.trimming import trim

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    root = tmp_path / "checkout"
    (root / "autox").mkdir(parents=True)
    (root / "autox" / "code.py").write_text("one = 1\n")
    (root / "notes.txt").write_text("not of the image\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for argv in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first", "--date=2026-11-28T12:00:00Z"]):
        subprocess.run(["git", "-C", str(root), *argv], check=True)
    return root


def exported(source: Source, place: Path) -> list[str]:
    """The files of a source."""
    source.export(place)
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def test_only_tracked_files_of_the_needed_parts_go_in(checkout: Path, tmp_path: Path) -> None:
    """A key that lies in the working directory gets into no image, nor does what has nothing to do with it."""
    (checkout / "autox" / "key.pem").write_text("secret")

    source = Source.of(checkout)

    assert exported(source, tmp_path / "out") == ["autox/code.py"]
    assert len(source.revision) == 40


def test_a_change_is_in_the_image_and_in_its_label(checkout: Path, tmp_path: Path) -> None:
    """Who tries a change out gets it, and the image says that it is of no commit."""
    (checkout / "autox" / "code.py").write_text("two = 2\n")
    source = Source.of(checkout)
    source.export(tmp_path / "out")

    assert source.revision.endswith("+changes")
    assert (tmp_path / "out" / "autox" / "code.py").read_text() == "two = 2\n"


def test_a_link_that_leads_elsewhere_is_refused(checkout: Path, tmp_path: Path) -> None:
    """A file of the machine does not get into an image through a link."""
    (checkout / "autox" / "link").symlink_to("/etc/shadow")
    subprocess.run(["git", "-C", str(checkout), "add", "."], check=True)

    with pytest.raises(BuildError, match="symbolic link"):
        Source.of(checkout).export(tmp_path / "out")


def test_where_there_is_no_checkout_that_is_said(tmp_path: Path) -> None:
    """Who builds from an unpacked archive is told what is missing."""
    with pytest.raises(BuildError, match="not a git repository"):
        Source.of(tmp_path)


def test_docker_takes_the_same_files() -> None:
    """``docker build .`` and ``make image`` have one idea of what goes in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {*PARTS, "prepared"}


def test_the_backend_is_pinned_by_the_lock_file() -> None:
    """What builds autox inside the image is checked against digests, like what it runs with."""
    selected = select((ROOT / "requirements" / "dev.txt").read_text(), BACKEND)

    assert [line.split("==")[0] for line in selected.splitlines() if not line.startswith(" ")] == [*BACKEND]
    assert selected.count("--hash=sha256:") >= len(BACKEND)


def installed(place: Path) -> Path:
    """A library with what its developers left in it."""
    files = ("thing/__init__.py", "thing/never.py", "thing/__init__.pyi", "thing/tests/test_a.py", "thing/a_test.py")
    for name in (*files, "bin/thing", "thing-1.dist-info/RECORD", "thing-1.dist-info/direct_url.json"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    (place / "thing-1.dist-info" / "RECORD").write_text("".join(f"{name},sha256=x,0\n" for name in files))
    return place


def test_what_nothing_loads_stays_out_and_off_the_lists(tmp_path: Path) -> None:
    """The image is small, and a scanner that follows a library's list of files finds them all."""
    trim(installed(tmp_path), ["thing/[!_]*.py"])

    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["thing-1.dist-info/RECORD", "thing/__init__.py"]
    assert (tmp_path / "thing-1.dist-info" / "RECORD").read_text() == "thing/__init__.py,sha256=x,0\n"


def test_a_library_that_has_changed_is_noticed(tmp_path: Path) -> None:
    """When what should be left out is no longer where it was, the build fails and the image does not grow."""
    with pytest.raises(FileNotFoundError, match="gone"):
        trim(installed(tmp_path), ["thing/gone/*"])
