"""The order in which the sources are asked, and what is said when none of them helps.

An explicit directory is the user's word: what is wrong there is an error at once, only a tool that is missing there
is looked for elsewhere. Whatever is found on PATH and in KUBEBUILDER_ASSETS must fit the pinned version. The cache is
filled by a download, or else by a build, under a lock: of two runs at once the second finds the work done.
"""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, MappingProxyType

from autox.cluster.binaries.asking import NoAnswerError
from autox.cluster.binaries.building import Builds
from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.downloading import Downloads, Outcome
from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.probing import VersionProbe
from autox.cluster.binaries.progress import Progress
from autox.cluster.binaries.settings import BinarySettings, Platform
from autox.cluster.binaries.tools import Binary, Source, Tool
from autox.cluster.binaries.versions import accepted, fits
from autox.model.errors import ConfigurationError, PermanentError


def provide(
    tools: Collection[Tool],
    *,
    settings: BinarySettings,
    progress: Progress,
    before: Mapping[Tool, Binary] = MappingProxyType({}),
) -> dict[Tool, Binary]:
    """Find these tools, or download or build what is missing; blocks, for minutes in the worst case.

    In the main thread a SIGTERM with its default action ends it in order, like Ctrl-C, by SystemExit.

    Args:
        tools: what is needed; nothing else is fetched or built.
        settings: where to look and what is allowed.
        progress: is shown what takes long; nothing when all is found.
        before: programs that were chosen earlier; only an explicit directory wins over one that is still what it was.

    Returns:
        Every one of the tools, in the order of ``Tool``.

    Raises:
        ConfigurationError: the explicit directory is none, or holds a file that cannot be used.
        PermanentError: a tool cannot be had from any source; lists why. Or the cache cannot be written.
        UnsupportedError: there are no binaries for this kind of machine.
    """
    search = _Search(settings, [tool for tool in Tool if tool in tools], before)
    try:
        search.look()
        if search.missing:
            with _orderly_end():
                search.fill(progress)
    finally:
        search.probe.remember()
    if search.missing:
        raise _nowhere(search)
    return {tool: search.found[tool] for tool in Tool if tool in tools}


class _Search:
    """What has been found by now, and the reasons why the rest has not."""

    def __init__(self, settings: BinarySettings, tools: Sequence[Tool], before: Mapping[Tool, Binary]) -> None:
        self.settings = settings
        self.before = before
        self.tools = tools
        self.cache = Cache(root=settings.cache.expanduser().absolute(), platform=Platform.current())
        self.probe = VersionProbe(self.cache.memory)
        self.found: dict[Tool, Binary] = {}
        self.reasons: dict[Source, dict[Tool, str]] = {source: {} for source in Source}

    @property
    def missing(self) -> list[Tool]:
        return [tool for tool in self.tools if tool not in self.found]

    def look(self) -> None:
        """Find what is on this machine already, each tool in a thread: a program takes its time to say its version."""
        directory = self.settings.directory
        if directory is not None and not directory.is_dir():
            raise ConfigurationError(
                f"the directory of binaries is not a directory: {directory}",
                hint="correct --dir or AUTOX_BINARIES, or leave it out",
            )
        with ThreadPoolExecutor(max_workers=len(Tool)) as pool:
            for binary in list(pool.map(self._installed, self.tools)):
                if binary is not None:
                    self.found[binary.tool] = binary

    def _installed(self, tool: Tool) -> Binary | None:
        return self._in_directory(tool) or self._as_before(tool) or self._elsewhere(tool) or self._cached(tool)

    def _as_before(self, tool: Tool) -> Binary | None:
        binary = self.before.get(tool)
        try:
            same = binary is not None and self.probe.version(tool, binary.path) == binary.version
        except NoAnswerError:
            return None
        return binary if same else None

    def _in_directory(self, tool: Tool) -> Binary | None:
        directory = self.settings.directory
        if directory is None:
            self.reasons[Source.DIRECTORY][tool] = "none given"
            return None
        path = directory.absolute() / tool
        if not os.access(path, os.F_OK) and not path.is_symlink():
            self.reasons[Source.DIRECTORY][tool] = f"not in {directory}"
            return None
        try:
            version = self.probe.version(tool, path)
        except NoAnswerError as error:
            raise ConfigurationError(
                f"{path} {error}", hint="replace the file, or leave it out to have autox look elsewhere"
            ) from error
        return Binary(tool=tool, path=path, version=version, source=Source.DIRECTORY)

    def _elsewhere(self, tool: Tool) -> Binary | None:
        assets = self.settings.assets
        places = {Source.PATH: self.settings.search_path, Source.KUBEBUILDER_ASSETS: str(assets or "")}
        for source, search_path in places.items():
            path = shutil.which(tool, path=search_path) if search_path else None
            if path is None:
                self.reasons[source][tool] = "not there" if search_path else "not set"
                continue
            binary = self._judged(tool, _behind_links(Path(path).absolute()), source)
            if binary is not None:
                return binary
        return None

    def _judged(self, tool: Tool, path: Path, source: Source) -> Binary | None:
        try:
            version = self.probe.version(tool, path)
        except NoAnswerError as error:
            self.reasons[source][tool] = f"{path} {error}"
            return None
        if not fits(tool, version):
            self.reasons[source][tool] = f"{path} is {version}, not {accepted(tool)}"
            return None
        return Binary(tool=tool, path=path, version=version, source=source)

    def _cached(self, tool: Tool, source: Source = Source.CACHE) -> Binary | None:
        path = self.cache.binary(tool)
        try:
            version = self.probe.version(tool, path)
        except NoAnswerError as error:
            self.reasons[source][tool] = f"{path} {error}" if os.access(path, os.F_OK) else f"not in {self.cache.root}"
            return None
        # NB: official Helm adds build metadata: v4.3.1+g3547a4b
        if version.partition("+")[0] != pinned(tool):
            self.reasons[source][tool] = f"{path} says it is {version}"
            return None
        return Binary(tool=tool, path=path, version=version, source=source)

    def fill(self, progress: Progress) -> None:
        """Download what can be downloaded and build the rest."""
        settings, cache = self.settings, self.cache
        with cache.filling(progress) as work:
            for tool in self.missing:  # another run may have filled the cache while this one waited for the lock
                binary = self._cached(tool)
                if binary is not None:
                    self.found[tool] = binary
            if settings.offline:
                self.reasons[Source.DOWNLOAD] = dict.fromkeys(self.missing, "offline")
            elif self.missing:
                downloads = Downloads(cache, mirror=settings.mirror, progress=progress)
                self._take(downloads.obtain(self.missing, work=work), Source.DOWNLOAD)
            if self.missing:
                progress.say("building what is missing from source: minutes the first time, then seconds")
                builds = Builds(cache, search_path=settings.search_path, offline=settings.offline, progress=progress)
                self._take(builds.obtain(self.missing, work=work), Source.BUILD)

    def _take(self, outcome: Outcome, source: Source) -> None:
        self.reasons[source] |= outcome.reasons
        for tool in outcome.made:
            # NB: what was just made must run here and be what it should be, like everything else
            binary = self._cached(tool, source)
            if binary is not None:
                self.found[tool] = binary


def _behind_links(path: Path) -> Path:
    """The file that a link means, or the link itself where it decides which program of one file runs.

    NB: a local cluster's own directory of links is on PATH after ``autox cluster env``; it goes with that cluster.
    """
    target = path.resolve()
    return target if target.name == path.name else path


def _nowhere(search: _Search) -> PermanentError:
    missing = search.missing
    lines = [f"cannot get {', '.join(f'{tool} {pinned(tool)}' for tool in missing)}:"]
    for source, reasons in search.reasons.items():
        grouped: dict[str, list[Tool]] = {}
        for tool in missing:
            grouped.setdefault(reasons.get(tool, "not asked"), []).append(tool)
        for reason, tools in grouped.items():
            of = "" if len(grouped) == 1 else f"{', '.join(tools)}: "
            lines.append(f"  {source}: {of}" + reason.replace("\n", "\n    "))
    return PermanentError(
        "\n".join(lines),
        hint="put the binaries into a directory and name it with --dir or AUTOX_BINARIES, name a mirror of the "
        "official downloads with --mirror or AUTOX_MIRROR, or install Go",
    )


@contextlib.contextmanager
def _orderly_end() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that nothing half-made is left, where nobody else handles it."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(signum: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
