"""OCI archives that come out the same, byte by byte, from the same content.

Names in order, no owner, one time for all files, no time in the compression: what is left is the content.
"""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"
NAME_ANNOTATION = "io.containerd.image.name"
"""By which containerd and Docker name an image that they import."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer.

    Attributes:
        blob: the compressed archive.
        diff_id: the digest of the archive itself, ``sha256:…``.
    """

    blob: bytes
    diff_id: str


def layer_of(root: Path, *, moment: int) -> Layer:
    """A directory as a layer, all files of that time (seconds since 1970) and of root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            entry = tar.gettarinfo(str(path), arcname=str(path.relative_to(root)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = moment
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    plain = buffer.getvalue()
    return Layer(blob=gzip.compress(plain, mtime=0), diff_id=_digest(plain))


def write_archive(path: Path, layer: Layer, *, architecture: str, created: str) -> None:
    """Write an archive of an image with one layer."""
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer.blob)],
        }
    )
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [_descriptor(MANIFEST, manifest)]}
    blobs = {_digest(blob): blob for blob in (config, manifest, layer.blob)}
    _write(path, index, blobs)


def pack(directory: Path, path: Path, *, name: str) -> dict[str, Any]:
    """Write an OCI directory with one image as an archive under a name; returns the image's manifest.

    Raises:
        ValueError: there is not exactly one image in it.
    """
    index = json.loads((directory / "index.json").read_bytes())
    (only,) = index["manifests"]
    only["annotations"] = {NAME_ANNOTATION: name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    blobs = {f"sha256:{each.name}": each.read_bytes() for each in (directory / "blobs/sha256").iterdir()}
    _write(path, index, blobs)
    manifest: dict[str, Any] = json.loads(blobs[only["digest"]])
    return manifest


def _write(path: Path, index: dict[str, Any], blobs: dict[str, bytes]) -> None:
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        **{f"blobs/sha256/{digest.removeprefix('sha256:')}": blobs[digest] for digest in sorted(blobs)},
    }
    draft = path.with_name(f"{path.name}.part")
    try:
        with tarfile.open(draft, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
