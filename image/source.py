"""The source that goes into the image: what git tracks, as it is now, and the commit's time.

What nobody added to git, a key in a working directory for one, can therefore not get into an image.
"""

import datetime as dt
import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from image.commands import BuildError, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A tree to build from.

    Attributes:
        tree: what git calls its content.
        revision: the commit, with ``+changes`` behind it when the tree is not that commit's.
        moment: the time of the commit it is or is based on, in seconds since 1970.
    """

    tree: str
    revision: str
    moment: int

    @property
    def created(self) -> str:
        """The moment as ``2026-11-28T12:00:00Z``."""
        return dt.datetime.fromtimestamp(self.moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def source_of(root: Path) -> Source:
    """The working tree's tracked files with their changes, or the last commit when there are none.

    Raises:
        BuildError: it is no git checkout.
    """
    git = ["git", "-C", str(root)]
    head = run([*git, "rev-parse", "HEAD"]).strip()
    # NB: a commit of the changes that no branch has; each time another one, but of the same tree.
    changed = run([*git, "stash", "create"]).strip()
    tree = run([*git, "rev-parse", f"{changed or head}^{{tree}}"]).strip()
    moment = run([*git, "show", "--no-patch", "--format=%ct", "HEAD"]).strip()
    return Source(tree=tree, revision=f"{head}+changes" if changed else head, moment=int(moment))


def export(root: Path, source: Source, place: Path) -> None:
    """Write the tree into a directory, made here.

    Raises:
        BuildError: git failed.
    """
    argv = ["git", "-C", str(root), "archive", source.tree]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"git archive failed: {done.stderr.decode(errors='replace').strip()}")
    place.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(place, filter="data")
