"""Compiling the tools from the pinned Go modules that are shipped with autox.

The checksums are those of go.sum: ``-mod=readonly`` refuses whatever is not listed there. Module cache and build
cache are the user's own, so a second build takes seconds. One module is built at a time, since the linker of
kube-apiserver alone needs 1 GB.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.commands import CommandError, run
from autox.cluster.binaries.downloading import Outcome
from autox.cluster.binaries.pins import Module, modules, wanted_modules
from autox.cluster.binaries.progress import Progress, Unit, step
from autox.cluster.binaries.toolchain import NoToolchainError, find_go, go_environment, install_go, requirements
from autox.cluster.binaries.tools import Tool


class Builds:
    """The pinned Go modules and a Go to compile them."""

    def __init__(
        self,
        cache: Cache,
        *,
        search_path: str,
        offline: bool,
        progress: Progress,
        shipped: Sequence[Module] | None = None,
        pins: str | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            cache: where finished binaries go; its lock must be held.
            search_path: where a Go command is looked for.
            offline: nothing may be fetched.
            progress: is shown what happens.
            shipped: the modules to build from; those of this package by default.
            pins: the requirements file for a Go toolchain; the one of this package by default.
        """
        self._cache = cache
        self._search_path = search_path
        self._offline = offline
        self._progress = progress
        self._modules = modules() if shipped is None else shipped
        self._pins = requirements() if pins is None else pins

    def obtain(self, tools: Collection[Tool], *, work: Path) -> Outcome:
        """Build these tools.

        Raises:
            PermanentError: the cache cannot be written.
        """
        outcome = Outcome()
        for module, wanted in wanted_modules(tools, among=self._modules):
            try:
                go = self.toolchain(module, work)
                outcome.made.update(self.build(module, wanted, go=go, work=work))
            except NoToolchainError as error:
                outcome.reasons.update(dict.fromkeys(wanted, str(error)))
            except CommandError as error:
                outcome.reasons.update(dict.fromkeys(wanted, self._failure(module, error)))
        return outcome

    def toolchain(self, module: Module, work: Path) -> Path:
        """A Go that can compile this module.

        Raises:
            NoToolchainError: there is none and none can be installed.
        """
        try:
            return find_go(self._search_path, minimum=module.go)
        except NoToolchainError as absent:
            try:
                return install_go(
                    self._cache, pins=self._pins, work=work, offline=self._offline, progress=self._progress
                )
            except NoToolchainError as error:
                raise NoToolchainError(f"{absent}, {error}") from error

    def build(self, module: Module, tools: Sequence[Tool], *, go: Path, work: Path) -> dict[Tool, Path]:
        """Compile tools of one module and put them into the cache.

        Args:
            module: the pinned one that has them; its files are copied into ``work``.
            tools: of that module.
            go: the Go command, new enough for it.
            work: a directory in which nothing of this module is yet; its owner removes it.

        Returns:
            Where each of them is in the cache.

        Raises:
            CommandError: Go failed; the log has everything it said.
            PermanentError: the cache cannot be written.
        """
        source, made, log = work / module.name, work / f"{module.name}-made", self._cache.log(module.name)
        with self._cache.writing():
            source.mkdir()
            made.mkdir()
            for file in module.source.iterdir():
                if file.is_file():
                    (source / file.name).write_bytes(file.read_bytes())
            log.parent.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)
        env = go_environment(os.environ, platform=self._cache.platform, offline=self._offline)
        packages = [module.packages[tool].path for tool in tools]
        command = _Go(go, env=env, cwd=source, log=log, progress=self._progress)
        with step(self._progress, f"fetching the Go modules of {module.name} {module.version}", unit=Unit.MODULES):
            compiled = command.dependencies(packages)
        title = f"compiling {tools[0] if len(tools) == 1 else module.name} {module.version}"
        with step(self._progress, title, total=len(compiled), unit=Unit.PACKAGES):
            command.compile(packages, among=compiled, into=made, ldflags=module.ldflags)
        return {tool: self._cache.publish(made / module.packages[tool].produces, tool) for tool in tools}

    def _failure(self, module: Module, error: CommandError) -> str:
        log = self._cache.log(module.name)
        return "\n".join([f"go build of {module.name} failed ({error}), all of it in {log}:", *error.tail[-8:]])


class _Go:
    """Go commands in one module."""

    def __init__(self, go: Path, *, env: Mapping[str, str], cwd: Path, log: Path, progress: Progress) -> None:
        self._go = go
        self._env = env
        self._cwd = cwd
        self._log = log
        self._progress = progress

    def dependencies(self, packages: Sequence[str]) -> frozenset[str]:
        """All packages that these are made of; downloads their modules."""
        found: set[str] = set()
        fetched: list[str] = []

        def line(text: str) -> bool:
            if text.startswith("go: downloading "):
                fetched.append(text.split()[2])
                self._progress.advance(len(fetched), detail=fetched[-1])
                return True
            if " " in text:  # no import path, so a complaint
                return False
            found.add(text)
            return True

        self._run(["list", "-deps", "-f", "{{.ImportPath}}", *packages], line, lambda: self._tick(fetched))
        return frozenset(found)

    def compile(self, packages: Sequence[str], *, among: frozenset[str], into: Path, ldflags: str) -> None:
        """Build main packages into a directory."""
        compiled: list[str] = []

        def line(text: str) -> bool:
            # -v names each package when its compilation starts; those in the build cache are not named
            if text not in among:
                return False
            compiled.append(text)
            self._progress.advance(len(compiled), detail=text)
            return True

        def tick() -> None:
            linking = compiled and compiled[-1] in packages
            self._progress.advance(len(compiled), detail="linking" if linking else compiled[-1] if compiled else "")

        # NB: the linker drops all debugging information (-s -w), so the compiler need not make it: a tenth of its time.
        flags = ["-v", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", ldflags, "-o", f"{into}/"]
        self._run(["build", *flags, *packages], line, tick)

    def _tick(self, fetched: Sequence[str]) -> None:
        self._progress.advance(len(fetched), detail=fetched[-1] if fetched else "")

    def _run(self, arguments: Sequence[str], line: Callable[[str], bool], tick: Callable[[], None]) -> None:
        run([str(self._go), *arguments], env=self._env, cwd=self._cwd, log=self._log, line=line, tick=tick)
