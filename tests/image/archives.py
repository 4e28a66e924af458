"""Small images, and what is in the archive of one."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from image import oci
from image.layers import Entry, layer

CREATED = "2026-11-28T12:00:00Z"


def write(path: Path, *entries: Entry) -> Path:
    """Write the archive of an image with these files in one layer."""
    oci.write(path, [layer(entries, moment=1000)], architecture="amd64", created=CREATED, env=["A=b"])
    return path


def manifest(archive: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the blobs of an archive, by their digests."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # all are files
    blobs = {name.removeprefix("blobs/").replace("/", ":"): content for name, content in files.items()}
    return json.loads(blobs[json.loads(files["index.json"])["manifests"][0]["digest"]]), blobs


def unpack(archive: Path, root: Path) -> Path:
    """Lay the layers of an archive over each other, as a container runtime does."""
    root.mkdir()
    described, blobs = manifest(archive)
    for each in described["layers"]:
        # NB: not tarfile, which would take away the modes that tests are about.
        subprocess.run(["tar", "-xzp", "-C", str(root)], input=blobs[each["digest"]], check=True)
    return root
