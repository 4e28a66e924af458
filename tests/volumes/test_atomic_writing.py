"""Files of a volume change all at once, and never lead out of it."""

import os
import threading
from pathlib import Path

import pytest

from autox.nodes.process.volumes.atomicwriter import ProjectedFile, write_atomically


def files_of(**contents: str) -> dict[str, ProjectedFile]:
    """Files with these contents, mode 0644."""
    return {name: ProjectedFile(content=content.encode(), mode=0o644) for name, content in contents.items()}


def shown(folder: Path) -> dict[str, str]:
    """What a program sees that reads the folder."""
    paths = [Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names]
    visible = [path for path in paths if not path.relative_to(folder).parts[0].startswith("..")]
    return {str(path.relative_to(folder)): path.read_text() for path in visible}


def test_new_version_replaces_the_old(tmp_path: Path) -> None:
    """After a change exactly the new files are there; nothing of the old version is left."""
    assert write_atomically(tmp_path, files_of(a="1", b="1") | {"sub/c": ProjectedFile(content=b"1", mode=0o600)})
    assert shown(tmp_path) == {"a": "1", "b": "1", "sub/c": "1"}

    assert write_atomically(tmp_path, files_of(a="2", d="2"))

    assert shown(tmp_path) == {"a": "2", "d": "2"}
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("..")]) == 2


def test_same_version_is_not_written_again(tmp_path: Path) -> None:
    """Nothing is touched when nothing changed; a changed mode is a change."""
    write_atomically(tmp_path, files_of(a="1"))
    before = (tmp_path / "..data").readlink()

    assert not write_atomically(tmp_path, files_of(a="1"))
    assert (tmp_path / "..data").readlink() == before
    assert write_atomically(tmp_path, {"a": ProjectedFile(content=b"1", mode=0o400)})
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o400


def test_volume_without_files(tmp_path: Path) -> None:
    """A volume may be empty, and may become so."""
    assert write_atomically(tmp_path / "volume", {})
    assert shown(tmp_path / "volume") == {}
    assert not write_atomically(tmp_path / "volume", {})


def test_readers_never_see_half_a_version(tmp_path: Path) -> None:
    """However fast it changes, whoever opens the current version sees files of one version."""
    write_atomically(tmp_path, files_of(a="0", b="0"))
    mixed, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                version = os.open(tmp_path / "..data", os.O_DIRECTORY)
            except FileNotFoundError:
                # NB: what the link names may be removed between the reading of the link and the opening.
                if not (tmp_path / "..data").is_symlink():
                    mixed.append("no version")
                continue
            try:
                pair = [Path(f"/proc/self/fd/{version}/{name}").read_text() for name in ("a", "b")]
            except FileNotFoundError:
                continue  # that version has been removed since
            finally:
                os.close(version)
            if len(set(pair)) != 1:
                mixed.append(str(pair))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        write_atomically(tmp_path, files_of(a=str(number), b=str(number)))
    stop.set()
    reader.join()

    assert mixed == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "..data",
        "..2026/x",
        "a\0b",
        "x" * 256,
        "/".join(["d" * 99] * 50),
    ],
)
def test_paths_out_of_the_volume_are_refused(tmp_path: Path, path: str) -> None:
    """A key or path that would lead out of the volume, or hide its links, writes nothing."""
    with pytest.raises(ValueError, match="invalid path"):
        write_atomically(tmp_path / "volume", {path: ProjectedFile(content=b"x", mode=0o644)})

    assert not (tmp_path / "volume").exists()


def test_failed_write_changes_nothing(tmp_path: Path) -> None:
    """When the new version cannot be written, the old one stays whole and nothing is left behind."""
    write_atomically(tmp_path, files_of(a="1"))
    clashing = files_of(a="2") | {"a/b": ProjectedFile(content=b"2", mode=0o644)}

    with pytest.raises(OSError, match="a"):
        write_atomically(tmp_path, clashing)

    assert shown(tmp_path) == {"a": "1"}
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("..")]) == 2


def test_interrupted_write_is_made_good(tmp_path: Path) -> None:
    """What a node that died in the middle left behind does not disturb the next write."""
    write_atomically(tmp_path, files_of(a="1"))
    (tmp_path / "..data_tmp").symlink_to("nowhere")
    (tmp_path / "a").unlink()

    assert not write_atomically(tmp_path, files_of(a="1"))
    assert write_atomically(tmp_path, files_of(a="2", b="2"))

    assert shown(tmp_path) == {"a": "2", "b": "2"}


def test_content_is_not_in_a_repr() -> None:
    """A file of a Secret can be logged without its content."""
    assert "s3cret" not in repr(ProjectedFile(content=b"s3cret", mode=0o600))
