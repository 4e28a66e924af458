"""Archives of images that come out the same from the same content."""

import json
import os
import tarfile
from pathlib import Path

import pytest

from image import oci


def tree(root: Path, *, moment: int) -> Path:
    """A small root file system whose files have that time."""
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "program").write_bytes(b"content")
    (root / "bin" / "program").chmod(0o755)
    (root / "bin" / "link").symlink_to("program")
    for path in (root / "bin" / "program", root / "bin"):
        os.utime(path, (moment, moment))
    return root


def test_the_same_files_give_the_same_layer(tmp_path: Path) -> None:
    """Neither the time nor the place of the files is in a layer, so that a second build is told from a change."""
    first = oci.layer_of(tree(tmp_path / "a", moment=1), moment=1000)
    second = oci.layer_of(tree(tmp_path / "b", moment=2), moment=1000)

    assert first == second


def test_an_archive_says_what_is_in_it(tmp_path: Path) -> None:
    """An importer finds the layer by the digests that the archive states."""
    layer = oci.layer_of(tree(tmp_path / "a", moment=1), moment=1000)
    oci.write_archive(tmp_path / "x.tar", layer, architecture="amd64", created="2026-11-28T12:00:00Z")

    with tarfile.open(tmp_path / "x.tar") as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # all are files
    index = json.loads(files["index.json"])
    manifest = json.loads(files[f"blobs/sha256/{index['manifests'][0]['digest'].removeprefix('sha256:')}"])
    assert files[f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}"] == layer.blob
    assert not (tmp_path / "x.tar.part").exists()


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """An archive is there whole or not at all."""
    layer = oci.layer_of(tree(tmp_path / "a", moment=1), moment=1000)

    with pytest.raises(OSError, match="absent"):
        oci.write_archive(tmp_path / "absent" / "x.tar", layer, architecture="amd64", created="x")
