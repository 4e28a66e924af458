"""Images for a node that can pull none: the one it needs itself, and those that a user brings as archives.

Every pod has a first container that holds its namespaces and does nothing. Its image is made here of one static
program that Debian has, busybox, so that nothing is pulled and nothing compiled.
"""

import asyncio
import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path

from autox.cluster.containerd.configuration import PAUSE, SOCKET
from autox.cluster.containerd.requirements import BUSYBOX
from autox.cluster.files import unwritable
from autox.model.errors import ConfigurationError, PermanentError

_HOW_TO_WRITE_ONE = (
    "write an archive with `docker save -o FILE IMAGE`, `podman save -o FILE IMAGE` or "
    "`buildah push IMAGE oci-archive:FILE:IMAGE`"
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_pause_image(archive: Path, *, busybox: str = BUSYBOX) -> None:
    """Write the archive of the image that holds a pod's namespaces, if it is not there.

    Raises:
        PermanentError: busybox cannot be read or the archive not written.
    """
    if archive.exists():
        return
    program = shutil.which(busybox) or busybox
    layer = _tar({"bin/busybox": Path(program).read_bytes()}, mode=0o755)
    config = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": ["/bin/busybox", "sleep", "inf"], "User": "65534:65534"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]
    parts = {"config.json": config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    draft = archive.with_suffix(".part")
    try:
        draft.write_bytes(_tar(parts, mode=0o644))
        draft.replace(archive)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(archive, error) from error


async def load(archive: Path, *, node: int) -> list[str]:
    """Bring the images of an archive (OCI or Docker) to a node, and return their names.

    Args:
        archive: a file as ``docker save``, ``podman save`` or ``buildah push`` write it.
        node: the node's process 1.

    Raises:
        ConfigurationError: the file cannot be read or is no archive of images.
        PermanentError: containerd refused it.
    """
    if not _is_archive(archive):
        raise ConfigurationError(f"{archive} is no archive of images", hint=_HOW_TO_WRITE_ONE)
    command = ("ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "import", "-")
    with archive.open("rb") as file:
        process = await asyncio.create_subprocess_exec(
            "nsenter",
            f"--target={node}",
            "--mount",
            "--",
            *command,
            stdin=file,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaints = await process.communicate()
    if process.returncode != 0:
        last = (complaints.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise PermanentError(f"containerd did not take {archive}: {last}")
    return [line.split()[1] for line in out.decode(errors="replace").splitlines() if line.startswith("unpacking ")]


def _is_archive(path: Path) -> bool:
    """Whether a file is there, can be read and is a tar archive.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return tarfile.is_tarfile(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", hint=_HOW_TO_WRITE_ONE) from error


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
