"""KWOK, built from its pinned Go module by the code that builds the control plane's programs, and kept with them.

    python -m benchmarks.kwok.obtaining    # prints where it is, as JSON

It runs as a process of its own, so that a build is polite to whatever else the machine does. KWOK is no program of
autox's, so it is neither in ``Tool`` nor in what is shipped. Its stages are read from the module where Go keeps it,
checked against go.sum: they are KWOK's own text, and nothing of it is copied into this tree.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from autox.cli.parts.progress import TerminalProgress
from autox.cluster.binaries.building import Builds
from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.pins import Module, Package
from autox.cluster.binaries.settings import BinarySettings, Platform
from autox.cluster.binaries.toolchain import go_environment
from autox.cluster.binaries.tools import Tool

HERE = Path(__file__).parent
NAME = "sigs.k8s.io/kwok"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
"""What KWOK calls fast: nodes that are kept alive by leases, pods that run and go at once."""

KWOK = cast("Tool", "kwok")
"""NB: the builder takes a tool for a file name and a key, which is all that this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kwok:
    """The program, and the files of its stages."""

    program: Path
    stages: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _KwokCache(Cache):
    """The cache of the control plane's programs with a place for this one."""

    version: str

    def binary(self, tool: Tool) -> Path:
        """Where it belongs."""
        return self.root / "bin" / str(self.platform) / self.version / tool


def obtain() -> Kwok:
    """KWOK, built now if it is not there; in another process, which says on standard error what it does.

    Raises:
        SystemExit: it cannot be had; why has been said.
    """
    command = [sys.executable, "-m", "benchmarks.kwok.obtaining"]
    done = subprocess.run(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("KWOK cannot be had: measure without it (--help says how)")
    found = json.loads(done.stdout)
    return Kwok(program=Path(found["program"]), stages=tuple(map(Path, found["stages"])))


def _module() -> Module:
    text = (HERE / "go.mod").read_text(encoding="utf-8")
    version, go = re.search(rf"{NAME} (v\S+)", text), re.search(r"^go (\S+)", text, re.MULTILINE)
    if version is None or go is None:
        raise SystemExit(f"{HERE / 'go.mod'} pins no {NAME}")
    packages = {KWOK: Package(path=f"{NAME}/cmd/kwok", produces="kwok")}
    return Module(
        name="kwok", source=HERE, packages=packages, requires=NAME, version=version[1], go=go[1], ldflags="-s -w"
    )


def _stages(go: Path, platform: Platform, *, offline: bool) -> list[Path]:
    command = [str(go), "mod", "download", "-json", NAME]
    env = go_environment(os.environ, platform=platform, offline=offline)
    said = subprocess.run(command, cwd=HERE, env=env, stdout=subprocess.PIPE, check=True, timeout=300).stdout
    directory = Path(json.loads(said)["Dir"]) / "kustomize" / "stage"
    files = [file for stage in STAGES for file in sorted((directory / stage).glob("*.yaml"))]
    return [file for file in files if file.name != "kustomization.yaml"]


def main() -> None:
    """Print where the program and its stages are."""
    os.nice(15)
    settings, module = BinarySettings.from_environment(os.environ), _module()
    cache = _KwokCache(root=settings.cache, platform=Platform.current(), version=module.version)
    progress = TerminalProgress(sys.stderr)
    builds = Builds(
        cache, search_path=settings.search_path, offline=settings.offline, progress=progress, shipped=[module]
    )
    with cache.filling(progress) as work:
        go = builds.toolchain(module, work)
        program = cache.binary(KWOK)
        if not os.access(program, os.X_OK):
            program = builds.build(module, [KWOK], go=go, work=work)[KWOK]
    stages = _stages(go, cache.platform, offline=settings.offline)
    print(json.dumps({"program": str(program), "stages": list(map(str, stages))}))


if __name__ == "__main__":
    main()
