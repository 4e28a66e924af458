"""buildah, apart from the rest of the machine: what it keeps of images is gone when it is done, however it ends.

``chroot`` is its isolation that needs no container runtime, and ``vfs`` its storage that mounts nothing. Whatever
``--root`` says, it also notes in /var/lib which layers it has seen, so it is given a /var/lib of its own, in mounts
that end with it.

It commits a stage and not each instruction, and ``vfs`` copies the whole root file system for each commit: with
``--layers`` the same image takes three times as long. Rejected: ``overlay``, which copies less; it lists a layer's
files in another order, and the layers would depend on what the machine can mount.
"""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from image.commands import BuildError, run

_APART = ("unshare", "--mount", "--propagation=private", "sh", "-c", 'mount -t tmpfs none /var/lib && exec "$@"', "sh")
_IN_MEMORY = Path("/var/lib")  # of its own


def buildah(
    context: Path, work: Path, *, arguments: Mapping[str, str], labels: Mapping[str, str], moment: int, memory: bool
) -> Path:
    """Build a context's Dockerfile and return the image as an OCI directory.

    Args:
        context: what the Dockerfile copies from; has it.
        work: a directory for everything that comes and goes.
        arguments: of the build.
        labels: of the image.
        moment: the time of the image and of all its files, in seconds since 1970.
        memory: whether root's storage is held there and not in ``work``: ten times the base and the image together.

    Raises:
        BuildError: a step failed.
    """
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    labelled = [f"--label={name}={value}" for name, value in labels.items()]
    options = ["--isolation=chroot", f"--timestamp={moment}", "--identity-label=false", "--tag=image"]
    # Who is not root has such notes, and mounts, of their own.
    apart = _APART if os.geteuid() == 0 else ()
    place = _IN_MEMORY if apart and memory else work
    program = ["buildah", "--root", str(place / "storage"), "--runroot", str(place / "run"), "--storage-driver", "vfs"]
    build = shlex.join([*program, "bud", *options, *given, *labelled, str(context)])
    push = shlex.join([*program, "push", "image", f"oci:{work / 'image'}"])
    try:
        run([*apart, "sh", "-c", f"{build} && {push}"], env={"TMPDIR": str(place)}, called="buildah")
    except BuildError as error:
        if shutil.disk_usage(work).free < 1 << 30:
            raise BuildError(f"{error}\n  {work} is short of space: TMPDIR names another place") from error
        raise
    return work / "image"
