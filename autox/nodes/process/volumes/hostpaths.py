"""hostPath volumes: the kubelet's checks of what is there, and what is made when it is not.

Source: pkg/volume/hostpath/host_path.go in kubernetes.
"""

import stat
from pathlib import Path

from autox.model.errors import StartError

_KINDS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def host_path(path: str, kind: str) -> Path:
    """The path, once it is what the volume's ``type`` says it must be; an empty type asks for nothing.

    Raises:
        StartError: it is not, cannot be made, or is no absolute path (reason ``FailedMount``).
    """
    place = Path(path)
    if not place.is_absolute() or ".." in place.parts:
        raise StartError(f"hostPath {path!r} is not an absolute path without '..'", reason="FailedMount")
    if not kind:
        return place
    required = kind.removesuffix("OrCreate")
    if required not in _KINDS:
        raise StartError(f"{kind} is an invalid volume type", reason="FailedMount")
    fits, words = _KINDS[required]
    try:
        if kind == "DirectoryOrCreate" and not place.exists():
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
        elif kind == "FileOrCreate" and not place.exists():
            place.touch(mode=0o644)
        if fits(place.stat().st_mode):
            return place
    except OSError as error:
        raise StartError(f"hostPath type check failed: {path}: {error.strerror}", reason="FailedMount") from error
    raise StartError(f"hostPath type check failed: {path} is not {words}", reason="FailedMount")
