"""A layer: files in order, of one time and no owner's name, so that the same content is the same archive.

It is made in memory from entries and never from a directory: nothing of this machine gets in (its users, its umask, the
order of its directories), and nobody has to be root to make one.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What an entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


_TYPES = {Kind.FILE: tarfile.REGTYPE, Kind.DIRECTORY: tarfile.DIRTYPE, Kind.LINK: tarfile.SYMTYPE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, a directory or a symbolic link.

    Attributes:
        path: from the root, without a slash at either end.
        content: of a file.
        target: of a link.
        owner: the user and the group, by number.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    content: bytes = b""
    target: str = ""
    owner: int = 0

    @classmethod
    def file(cls, path: str, content: bytes | str, *, mode: int = 0o644) -> Self:
        """A file of root's."""
        return cls(
            path=path, kind=Kind.FILE, mode=mode, content=content.encode() if isinstance(content, str) else content
        )

    @classmethod
    def directory(cls, path: str, *, mode: int = 0o755, owner: int = 0) -> Self:
        """A directory."""
        return cls(path=path, kind=Kind.DIRECTORY, mode=mode, owner=owner)

    @classmethod
    def link(cls, path: str, target: str) -> Self:
        """A symbolic link."""
        return cls(path=path, kind=Kind.LINK, mode=0o777, target=target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as it stands in an image.

    Attributes:
        blob: the compressed archive.
        diff_id: the digest of the archive before it is compressed.
    """

    blob: bytes
    diff_id: str


def layer(entries: Iterable[Entry], *, moment: int) -> Layer:
    """Make a layer; of two entries with one path the later one counts.

    Args:
        entries: in any order.
        moment: the time of all of them, in seconds since 1970.
    """
    by_path = {entry.path: entry for entry in entries}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(by_path):
            entry = by_path[path]
            info = tarfile.TarInfo(path)
            info.type, info.mode, info.mtime = _TYPES[entry.kind], entry.mode, moment
            info.uid = info.gid = entry.owner
            info.linkname, info.size = entry.target, len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    plain = buffer.getvalue()
    # Not at all: buildah reads it a minute later, and compresses what it is built into.
    return Layer(blob=gzip.compress(plain, compresslevel=0, mtime=0), diff_id=digest(plain))


def digest(blob: bytes) -> str:
    """As OCI writes it: ``sha256:…``."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
