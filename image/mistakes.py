"""What stands in the way of a build and can be seen before it, all of it at once.

Who lacks buildah and has misspelt the base learns both now, not the second after installing the first; and a build
that takes a minute does not end at its last step for a place that never could be written to. What only a step itself
can find, such as a package index that is not reached, the step tells.
"""

import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
_ALWAYS = {"buildah": "buildah", "unshare": "util-linux", "git": "git"}
_FOR_A_BASE = {"apt-get": "apt", "dpkg-deb": "dpkg"}
# The transports of an image's name that say where on this machine it is.
_LOCAL = re.compile(r"(?:oci-archive|docker-archive|oci|dir):(?P<path>[^:]+)")


def mistakes(output: Path, *, given: str = "", builder: str = "") -> list[str]:
    """Each thing that is missing or wrong, with what to do about it; empty where a build can begin.

    Args:
        output: the directory for what is made; made here if it is not there.
        given: an image to use as the base; empty for one made of Debian packages.
        builder: an image with pip; empty for the base.
    """
    return [*_machine(), *_programs(base=not given), *_images(given, builder), *_places(output)]


def _machine() -> Iterator[str]:
    if platform.machine() not in ARCHITECTURES:
        yield f"there is no image for {platform.machine()}: build on {' or '.join(ARCHITECTURES)}"


def _programs(*, base: bool) -> Iterator[str]:
    needed = {**_ALWAYS, **(_FOR_A_BASE if base else {})}
    for program, package in needed.items():
        if shutil.which(program) is None:
            yield f"{program} is not installed: apt-get install --no-install-recommends {package}"


def _images(given: str, builder: str) -> Iterator[str]:
    for option, name in (("--base", given), ("--builder", builder)):
        local = _LOCAL.match(name)
        if local and not Path(local["path"]).exists():
            yield f"{option}: there is no {local['path']}"


def _places(output: Path) -> Iterator[str]:
    temporary = os.environ.get("TMPDIR")
    # NB: Python goes elsewhere without a word, to a place that may be too small.
    if temporary and not (Path(temporary).is_dir() and os.access(temporary, os.W_OK | os.X_OK)):
        yield f"TMPDIR: {temporary} is no directory that can be written to; it names a place to work in"
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield f"{error.filename or output}: {error.strerror}; --output names another place"
        return
    if not os.access(output, os.W_OK | os.X_OK):
        yield f"{output}: it cannot be written to; --output names another place"
