"""``python -m image.build``: the image as an OCI archive, its bill of materials beside it, and a table of its size.

The context is put together here and the Dockerfile only copies, so that the same file serves Docker, podman and
buildah, with a base from a registry or with the one of Debian packages. buildah works in a directory of its own, which
goes at the end; nothing is left in the machine's image storage.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autox.cli.progress import TerminalProgress
from autox.cluster.binaries import Binary, BinarySettings, Tool, provide
from autox.model.errors import AutoxError
from image import libraries, oci, packages, sbom
from image.commands import BuildError, require, run
from image.libraries import Distribution
from image.packages import Package
from image.source import Source, export, source_of

ROOT = Path(__file__).parents[1]
NAME = "autox"
PYTHON = "3.11"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LARGE = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in an image.

    Attributes:
        base: the packages of a base that was made here; empty when it came from elsewhere.
    """

    base: Sequence[Package]
    libraries: Sequence[Distribution]
    helm: Binary

    def parts(self) -> list[sbom.Part]:
        """For the bill of materials."""
        return [
            *(sbom.debian(each.name, each.version, each.architecture) for each in self.base),
            *(sbom.pypi(each.name, each.version, each.licence) for each in self.libraries),
            sbom.golang("helm.sh/helm/v4", self.helm.version.partition("+")[0]),
        ]

    def sizes(self) -> list[tuple[str, int]]:
        """Everything of over 10 MB, the largest first, then what the rest amounts to."""
        every = [
            *((f"base: {each.name}", each.size) for each in self.base),
            *((each.name, each.size) for each in self.libraries),
            ("helm", self.helm.path.stat().st_size),
        ]
        large = sorted((each for each in every if each[1] > LARGE), key=lambda each: -each[1])
        return [*large, ("everything else", sum(size for _, size in every) - sum(size for _, size in large))]


def build(output: Path, *, base: str, version: str) -> Contents:
    """Build the image into a directory: ``autox.tar`` and ``autox.spdx.json``.

    Args:
        output: where both go; each is there whole or not at all.
        base: of which image; empty for one made of Debian packages.
        version: the image's tag.

    Raises:
        BuildError: what was missing or failed.
    """
    require("buildah", package="buildah")
    require("git", package="git")
    output.mkdir(parents=True, exist_ok=True)
    source = source_of(ROOT)
    with tempfile.TemporaryDirectory(prefix="autox-image-") as temporary:
        work = Path(temporary)
        context = work / "context"
        export(ROOT, source, work / "source")
        architecture = ARCHITECTURES[platform.machine()]
        base_packages: Sequence[Package] = ()
        if not base:
            _say("fetching the Debian packages of the base")
            base_packages = packages.unpack(packages.fetch(_cache() / "debs"), work / "root")
            layer = oci.layer_of(work / "root", moment=source.moment)
            oci.write_archive(work / "base.tar", layer, architecture=architecture, created=source.created)
            base = f"oci-archive:{work / 'base.tar'}"
        _say("installing the pinned libraries")
        installed = libraries.install(
            work / "source", context / "lib", python=PYTHON, architecture=architecture, cache=_cache() / "pip"
        )
        shutil.copy(work / "source" / "image" / "precompile.py", context / "lib")
        helm = _helm()
        shutil.copy(helm.path, context / "helm")
        (context / "helm").chmod(0o755)
        _say("building")
        _bud(work, source, base=base, version=version, archive=output / f"{NAME}.tar")
        contents = Contents(base=base_packages, libraries=installed, helm=helm)
        bill = sbom.spdx(NAME, version, contents.parts(), created=source.created)
        draft = output / f"{NAME}.spdx.json.part"
        draft.write_text(json.dumps(bill, indent=2) + "\n")
        draft.replace(output / f"{NAME}.spdx.json")
    return contents


def _bud(work: Path, source: Source, *, base: str, version: str, archive: Path) -> None:
    storage = ["--root", str(work / "storage"), "--runroot", str(work / "run"), "--storage-driver", "vfs"]
    labels = {"title": NAME, "version": version, "revision": source.revision}
    try:
        run(
            [
                "buildah",
                *storage,
                "bud",
                "--isolation=chroot",
                f"--timestamp={source.moment}",
                f"--build-arg=BASE={base}",
                *(f"--label=org.opencontainers.image.{key}={value}" for key, value in labels.items()),
                "--layers=false",
                "--format=oci",
                "--tag=built",
                "--file",
                str(work / "source" / "Dockerfile"),
                str(work / "context"),
            ]
        )
        run(["buildah", *storage, "push", "built", f"oci:{work / 'oci'}"])
    finally:
        # NB: its storage has directories that only buildah itself may remove.
        shutil.rmtree(work / "storage", ignore_errors=True)
    oci.pack(work / "oci", archive, name=f"docker.io/library/{NAME}:{version}")


def _helm() -> Binary:
    settings = BinarySettings.from_environment(os.environ)
    return provide([Tool.HELM], settings=settings, progress=TerminalProgress(sys.stderr))[Tool.HELM]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autox" / "image"


def _say(line: str) -> None:
    print(f"image: {line}", file=sys.stderr, flush=True)


def _version() -> str:
    from autox import __version__  # noqa: PLC0415  - so that --help needs nothing

    return __version__


def main() -> int:
    """Build, and say what came out or what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m image.build", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "image", help="directory [build/image]")
    parser.add_argument("--base", default="", help="base image with Python 3.11 [made of Debian packages]")
    parser.add_argument("--tag", default=_version(), help="the image's tag [autox's version]")
    arguments = parser.parse_args()
    try:
        contents = build(arguments.output, base=arguments.base, version=arguments.tag)
    except (BuildError, AutoxError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    archive = arguments.output / f"{NAME}.tar"
    for what, size in contents.sizes():
        print(f"{size / 1e6:7.1f} MB  {what}")
    print(f"{archive.stat().st_size / 1e6:7.1f} MB  {archive}, compressed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
