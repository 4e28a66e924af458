"""Archives of images, as far as they need no containerd."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from autox.cluster.containerd.configuration import PAUSE
from autox.cluster.containerd.images import load, write_pause_image
from autox.model.errors import ConfigurationError, PermanentError


def test_the_pause_image_is_a_docker_archive(tmp_path: Path) -> None:
    """Containerd takes it under the name that its configuration states, and its layer is what it says."""
    program = tmp_path / "busybox"
    program.write_bytes(b"\x7fELF static")
    write_pause_image(tmp_path / "pause.tar", busybox=str(program))

    with tarfile.open(tmp_path / "pause.tar") as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # all are files
    assert json.loads(parts["manifest.json"])[0]["RepoTags"] == [PAUSE]
    config = json.loads(parts["config.json"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(parts['layer.tar']).hexdigest()}"]
    assert config["config"]["User"] == "65534:65534"


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says which file, and nothing half-written is left."""
    program = tmp_path / "busybox"
    program.write_bytes(b"x")

    with pytest.raises(PermanentError, match=r"absent/pause\.tar"):
        write_pause_image(tmp_path / "absent" / "pause.tar", busybox=str(program))


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\xff" * 512])
async def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """The user learns how to write an archive; containerd is not even asked."""
    archive = tmp_path / "image"
    archive.write_bytes(content)

    with pytest.raises(ConfigurationError, match="no archive of images") as error:
        await load(archive, node=1)

    assert "docker save" in error.value.hint


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A mistyped path is an error about that path."""
    with pytest.raises(ConfigurationError, match=r"absent\.tar: No such file") as error:
        await load(tmp_path / "absent.tar", node=1)

    assert "docker save" in error.value.hint


async def test_a_directory_is_refused(tmp_path: Path) -> None:
    """A directory in place of a file is an error about that directory."""
    with pytest.raises(ConfigurationError, match="Is a directory"):
        await load(tmp_path, node=1)
