"""Archives of images, as the OCI image format lays them out; the same image is the same archive, byte by byte.

A base made here becomes one by ``write``; what buildah built, a directory, becomes one by ``pack``, under the name that
``ctr images import`` and ``docker load`` give it. buildah's own archive has times in it and no such name.
"""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from image.layers import Layer, digest

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_INDEX = "application/vnd.oci.image.index.v1+json"


def write(path: Path, layers: Sequence[Layer], *, architecture: str, created: str, env: Sequence[str]) -> None:
    """Write an archive of an image without a name.

    Args:
        path: appears whole or not at all.
        layers: from the bottom.
        architecture: ``amd64``.
        created: ``2026-11-28T12:00:00Z``.
        env: ``NAME=value`` each.
    """
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {"Env": [*env]},
            "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
            # NB: buildah wants one for each layer.
            "history": [{"created": created, "created_by": "image/base.py"} for _ in layers],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, each.blob) for each in layers],
        }
    )
    blobs = {digest(blob): blob for blob in (config, manifest, *(each.blob for each in layers))}
    _write(path, _descriptor(_MANIFEST, manifest), blobs)


def pack(directory: Path, path: Path, *, name: str) -> None:
    """Write an OCI directory with one image as an archive.

    Args:
        directory: as ``buildah push oci:…`` leaves it.
        path: appears whole or not at all.
        name: ``docker.io/library/autox:0.1.0``.
    """
    (only,) = json.loads((directory / "index.json").read_bytes())["manifests"]
    only["annotations"] = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    blobs = {f"sha256:{each.name}": each.read_bytes() for each in (directory / "blobs" / "sha256").iterdir()}
    _write(path, only, blobs)


def _write(path: Path, manifest: Mapping[str, Any], blobs: Mapping[str, bytes]) -> None:
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [manifest]}),
        **{f"blobs/sha256/{each.removeprefix('sha256:')}": blobs[each] for each in sorted(blobs)},
    }
    draft = path.with_name(f"{path.name}.part")
    try:
        with tarfile.open(draft, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o644
                tar.addfile(info, io.BytesIO(content))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(blob), "size": len(blob)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
