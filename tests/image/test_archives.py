"""Layers and archives that come out the same from the same content."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from image import oci
from image.layers import Entry, layer
from tests.image.archives import CREATED, manifest, unpack, write

FILES = (
    Entry.directory("tmp", mode=0o1777),
    Entry.file("usr/bin/program", "content", mode=0o755),
    Entry.link("bin", "usr/bin"),
)


def test_the_same_files_are_the_same_layer_in_any_order() -> None:
    """Two builds of one commit have the same layers, whatever order a directory or a package lists its files in."""
    assert layer(FILES, moment=1000) == layer(reversed(FILES), moment=1000)


def test_another_content_is_another_layer() -> None:
    """A change is told by the digest."""
    changed = (*FILES, Entry.file("usr/bin/program", "other content", mode=0o755))

    assert layer(changed, moment=1000).diff_id != layer(FILES, moment=1000).diff_id


def test_a_later_entry_counts() -> None:
    """What we say about a file holds over what a package says."""
    made = layer([Entry.file("a", "theirs"), Entry.file("a", "ours")], moment=1000)

    assert made == layer([Entry.file("a", "ours")], moment=1000)


def test_an_archive_holds_what_it_describes(tmp_path: Path) -> None:
    """A container runtime finds the layers by their digests, and gets files, modes and links as they were meant."""
    root = unpack(write(tmp_path / "x.tar", *FILES), tmp_path / "root")

    assert (root / "bin" / "program").read_text() == "content"
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root", "x.tar"]


def test_a_built_image_is_imported_under_its_name(tmp_path: Path) -> None:
    """``ctr images import`` knows what the image is called, so that the charts find it."""
    with tarfile.open(write(tmp_path / "x.tar", *FILES)) as tar:
        tar.extractall(tmp_path / "directory", filter="data")
    oci.pack(tmp_path / "directory", tmp_path / "y.tar", name="docker.io/library/autox:1.2")

    with tarfile.open(tmp_path / "y.tar") as tar:
        (described,) = json.load(tar.extractfile("index.json") or io.BytesIO())["manifests"]
    assert described["annotations"] == {
        "io.containerd.image.name": "docker.io/library/autox:1.2",
        "org.opencontainers.image.ref.name": "1.2",
    }
    assert manifest(tmp_path / "x.tar")[0] == manifest(tmp_path / "y.tar")[0]


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """An archive is there whole or not at all."""
    (tmp_path / "x.tar").mkdir()

    with pytest.raises(IsADirectoryError):
        oci.write(tmp_path / "x.tar", [layer(FILES, moment=1)], architecture="amd64", created=CREATED, env=[])

    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]
