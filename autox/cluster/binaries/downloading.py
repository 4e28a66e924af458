"""Downloads of official releases into the cache, each verified against the SHA-256 published beside it.

Whether there is a network at all is decided once: the first server that cannot be reached, before any has answered,
ends all downloads, since waiting for six names in turn to fail would help nobody. Later on, only that server is given
up.
"""

import shutil
import tarfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.fetching import Patience, Transfer, fetch_text
from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.progress import Progress, Unit, step
from autox.cluster.binaries.releases import Release, published_sum, release_of
from autox.cluster.binaries.tools import Tool
from autox.cluster.binaries.web import (
    Deadlines,
    InterruptedTransferError,
    RefusedTransferError,
    UnreachableOriginError,
    Web,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a source that fills the cache achieved.

    Attributes:
        made: the tools that are in the cache now.
        reasons: why each of the others is not.
    """

    made: dict[Tool, Path] = field(default_factory=dict)
    reasons: dict[Tool, str] = field(default_factory=dict)


class Downloads:
    """The official release locations or their mirror."""

    def __init__(
        self,
        cache: Cache,
        *,
        mirror: str | None,
        progress: Progress,
        deadlines: Deadlines | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            cache: where finished binaries go; its lock must be held.
            mirror: URL that replaces the official locations.
            progress: is shown what happens.
            deadlines: for connections.
            patience: with broken transfers.
        """
        self._cache = cache
        self._mirror = mirror
        self._progress = progress
        self._web = Web(deadlines or Deadlines())
        self._patience = patience or Patience()

    def obtain(self, tools: Collection[Tool], *, work: Path) -> Outcome:
        """Download what can be had of these tools.

        Raises:
            PermanentError: the cache cannot be written.
        """
        outcome = Outcome()
        unreachable: dict[str, str] = {}
        answered = False
        for tool in tools:
            release = release_of(tool, platform=self._cache.platform, mirror=self._mirror)
            lost = unreachable.get(release.origin) or (not answered and next(iter(unreachable.values()), None))
            if lost:
                outcome.reasons[tool] = lost
                continue
            try:
                outcome.made[tool] = self._download(tool, release, work)
                answered = True
            except UnreachableOriginError as error:
                reason = f"{release.origin.partition('://')[2]} cannot be reached: {error}"
                unreachable[release.origin] = outcome.reasons[tool] = reason
                self._progress.say(f"no download: {reason}")
            except (InterruptedTransferError, RefusedTransferError) as error:
                answered = True
                outcome.reasons[tool] = str(error)
                self._progress.say(f"no download of {tool}: {error}")
        return outcome

    def _download(self, tool: Tool, release: Release, work: Path) -> Path:
        sha256 = self._published(release)
        partial = self._cache.partial / f"{sha256}-{release.filename}"
        with step(self._progress, f"downloading {tool} {pinned(tool)}", unit=Unit.BYTES):
            transfer = Transfer(
                self._web,
                release.url,
                sha256=sha256,
                seen=lambda done, total: self._progress.advance(done, total=total),
            )
            with self._cache.writing():
                transfer.into(partial, patience=self._patience)
            if release.member is None:
                return self._cache.publish(partial, tool)
            program = work / tool
            with self._cache.writing():
                extract(partial, release.member, program)
                partial.unlink()
            return self._cache.publish(program, tool)

    def _published(self, release: Release) -> str:
        try:
            text = fetch_text(self._web, release.checksum_url, patience=self._patience)
        except (InterruptedTransferError, RefusedTransferError) as error:
            raise type(error)(f"{release.checksum_url}: {error}") from error
        sha256 = published_sum(text, release.filename)
        if sha256 is None:
            # NB: never fetch without a sum, and never make one up from what arrives
            raise RefusedTransferError(f"{release.checksum_url} states no SHA-256 of {release.filename}")
        return sha256


def extract(archive: Path, member: str, target: Path) -> None:
    """Write one regular file of a tar archive; nothing else of it is ever written.

    Args:
        archive: gzipped.
        member: the whole name of that file in it; a leading ``./`` there does not count.
        target: where to write; what is there is overwritten.

    Raises:
        RefusedTransferError: the archive is not one, or holds no such regular file.
        OSError: the target cannot be written.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                # NB: the name of an entry is compared, never used as a path, and links are not followed
                if entry.name.removeprefix("./") == member and entry.isreg():
                    content = tar.extractfile(entry)
                    if content is not None:
                        with target.open("wb") as file:
                            shutil.copyfileobj(content, file)
                        return
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise RefusedTransferError(f"{archive.name} is not a good tar archive") from error
    raise RefusedTransferError(f"{archive.name} holds no {member}")
