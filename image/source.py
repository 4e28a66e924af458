"""What of a checkout goes into the image: files that git tracks, as they are now, of the parts that are needed.

A key or a kubeconfig that lies in a working directory can therefore not get into an image, and a change in the tests
does not make another one. `.dockerignore` says the same to who builds with Docker.
"""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from image.commands import BuildError, run

PARTS = ("autox", "charts", "image", "requirements", "pyproject.toml", "README.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A checkout to build from.

    Attributes:
        root: where it is.
        revision: the commit; with ``+changes`` when tracked files differ from it.
        moment: the time of the commit, in seconds since 1970.
    """

    root: Path
    revision: str
    moment: int

    @classmethod
    def of(cls, root: Path) -> Self:
        """The checkout in a directory.

        Raises:
            BuildError: there is none, or git does not trust its owner.
        """
        commit, moment = _git(root, "show", "--no-patch", "--format=%H %ct", "HEAD").split()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *PARTS)
        return cls(root=root, revision=f"{commit}+changes" if changed else commit, moment=int(moment))

    @property
    def created(self) -> str:
        """The moment as ``2026-11-28T12:00:00Z``."""
        return dt.datetime.fromtimestamp(self.moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def export(self, place: Path) -> None:
        """Copy the files into a directory."""
        for name in _git(self.root, "ls-files", "-z", "--", *PARTS).split("\0"):
            file = self.root / name
            if not name or not file.exists():  # the latter: deleted, and not yet so for git
                continue
            if file.is_symlink():
                raise BuildError(f"{file} is a symbolic link: the image takes files only")
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place / name)


def _git(root: Path, *arguments: str) -> str:
    return run(["git", "-C", str(root), *arguments]).decode()
