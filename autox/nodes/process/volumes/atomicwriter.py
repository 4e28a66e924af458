"""Files that change all at once: the kubelet's scheme for Secret, ConfigMap and projected volumes.

The files of one version are in a folder ``..TIME.N``; the link ``..data`` names the current one, and each visible
path is a link into ``..data``. Renaming one link changes everything, so a reader sees the old version or the new
one and never some of each. Programs that watch their files rely on exactly this scheme.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

_NAME_LIMIT, _PATH_LIMIT = 255, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedFile:
    """The content of one file of a volume, and its permissions."""

    content: bytes
    mode: int

    def __repr__(self) -> str:
        """Without the content, which may be a secret."""
        return f"ProjectedFile({len(self.content)} bytes, mode={self.mode:o})"


def write_atomically(folder: Path, files: Mapping[str, ProjectedFile]) -> bool:
    """Make ``folder`` show exactly ``files``, by path within it; False when it did so already.

    Raises:
        ValueError: a path that leads out of the folder or cannot be a file's.
        OSError: the disk is full or not writable; the folder then shows what it showed before.
    """
    wanted = {_checked(path): file for path, file in files.items()}
    current = folder / "..data"
    if _shows(current, wanted):
        _link_visible(folder, wanted)
        return False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = Path(tempfile.mkdtemp(prefix=f"..{datetime.now(UTC):%Y_%m_%d_%H_%M_%S}.", dir=folder))
    old = current.readlink() if current.is_symlink() else None
    try:
        for path, file in wanted.items():
            _write(fresh / path, file)
        fresh.chmod(0o755)
        pending = folder / "..data_tmp"
        pending.unlink(missing_ok=True)
        pending.symlink_to(fresh.name)
        pending.replace(current)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _link_visible(folder, wanted)
    for link in folder.iterdir():
        if link.is_symlink() and link.readlink().parts[0] == "..data" and not link.exists():
            link.unlink()
    if old is not None:
        shutil.rmtree(folder / old, ignore_errors=True)
    return True


def _checked(path: str) -> PurePosixPath:
    checked = PurePosixPath(path)
    if not path or "\0" in path or checked.is_absolute() or ".." in checked.parts or not checked.parts:
        raise ValueError(f"invalid path: {path!r}")
    if checked.parts[0].startswith(".."):
        raise ValueError(f"invalid path: must not start with '..': {path!r}")
    if len(os.fsencode(path)) > _PATH_LIMIT or any(len(os.fsencode(part)) > _NAME_LIMIT for part in checked.parts):
        raise ValueError(f"invalid path: too long: {path[:_NAME_LIMIT]!r}")
    return checked


def _write(path: Path, file: ProjectedFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as opened:
        opened.write(file.content)
    path.chmod(file.mode)


def _shows(current: Path, wanted: Mapping[PurePosixPath, ProjectedFile]) -> bool:
    if not current.is_dir():
        return False
    shown = {PurePosixPath(path.relative_to(current)): path for path in current.rglob("*") if path.is_file()}
    return shown.keys() == wanted.keys() and all(_same(shown[path], wanted[path]) for path in wanted)


def _same(path: Path, file: ProjectedFile) -> bool:
    try:
        return path.stat().st_mode & 0o7777 == file.mode and path.read_bytes() == file.content
    except PermissionError:
        return False  # its mode forbids even us to read it


def _link_visible(folder: Path, wanted: Mapping[PurePosixPath, ProjectedFile]) -> None:
    for name in {path.parts[0] for path in wanted}:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / name)
