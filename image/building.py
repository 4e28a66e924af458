"""buildah, apart from the rest of the machine: what it keeps of images is gone when it is done, however it ends.

``chroot`` is its isolation that needs no container runtime, and ``vfs`` its storage that mounts nothing. Whatever
``--root`` says, it also notes in /var/lib which layers it has seen, so it is given a /var/lib of its own, in mounts
that end with it.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from image.commands import BuildError, run

_APART = ("unshare", "--mount", "--propagation=private", "sh", "-c", 'mount -t tmpfs none /var/lib && exec "$@"', "sh")


def buildah(context: Path, work: Path, *, arguments: Mapping[str, str], labels: Mapping[str, str], moment: int) -> Path:
    """Build a context's Dockerfile and return the image as an OCI directory.

    Args:
        context: what the Dockerfile copies from; has it.
        work: a directory for everything that comes and goes.
        arguments: of the build.
        labels: of the image.
        moment: the time of the image and of all its files, in seconds since 1970.

    Raises:
        BuildError: a step failed.
    """
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    labelled = [f"--label={name}={value}" for name, value in labels.items()]
    options = ["--isolation=chroot", "--layers", f"--timestamp={moment}", "--identity-label=false", "--tag=image"]
    try:
        _buildah(work, "bud", *options, *given, *labelled, str(context))
        _buildah(work, "push", "image", f"oci:{work / 'image'}")
    except BuildError as error:
        if shutil.disk_usage(work).free < 1 << 30:
            raise BuildError(f"{error}\n  {work} is short of space: TMPDIR names another place") from error
        raise
    return work / "image"


def _buildah(work: Path, *arguments: str) -> None:
    # Who is not root has such notes, and mounts, of their own.
    apart = _APART if os.geteuid() == 0 else ()
    storage = ["--root", str(work / "storage"), "--runroot", str(work / "run"), "--storage-driver", "vfs"]
    argv = [*apart, "buildah", *storage, *arguments]
    run(argv, env={"TMPDIR": str(work)}, called=f"buildah {arguments[0]}")
