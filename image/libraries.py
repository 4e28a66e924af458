"""The directory that holds the libraries of requirements/runtime.txt and autox itself, for one version of Python.

Only wheels, checked against the lock file's digests: nothing is compiled, and the machine's own Python may be another.
Left out is the official Kubernetes client, 70 MB, which autox loads for one thing alone: to run a credential plugin of
a kubeconfig. A plugin is a program of the user's that is in no image, and autox says so where one is asked for.
"""

import shutil
import sys
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from image.commands import BuildError, run

LEFT_OUT = ("kubernetes",)
PLATFORMS = {
    "amd64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "arm64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
}


@dataclass(frozen=True, slots=True)
class Distribution:
    """A library of the image.

    Attributes:
        licence: as its metadata states it; empty when it does not.
        size: of its files, in bytes.
    """

    name: str
    version: str
    licence: str
    size: int


def install(root: Path, place: Path, *, python: str, architecture: str, cache: Path) -> list[Distribution]:
    """Install libraries and autox into a directory, and tell which.

    Args:
        root: the source of autox.
        place: the directory, made here.
        python: the minor version that the base has: ``3.11``.
        architecture: as Debian names it.
        cache: where wheels are kept from one time to the next.

    Raises:
        BuildError: a wheel is missing, does not match the lock file or cannot be fetched.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    common = ["--no-compile", "--target", str(place), "--cache-dir", str(cache)]
    for_base = [f"--platform={each}" for each in PLATFORMS[architecture]]
    wanted = ["--require-hashes", "--only-binary=:all:", "--no-deps", f"--python-version={python}", *for_base]
    run([*pip, "install", *common, *wanted, "--requirement", str(root / "requirements" / "runtime.txt")])
    run([*pip, "install", *common, "--no-deps", "--no-build-isolation", "--no-index", str(root)])
    shutil.rmtree(place / "bin", ignore_errors=True)
    found = [_distribution(each, place) for each in sorted(place.glob("*.dist-info"))]
    for name in LEFT_OUT:
        shutil.rmtree(place / name)
        for info in place.glob(f"{name}-*.dist-info"):
            shutil.rmtree(info)
    for info in place.glob("*.dist-info"):
        # NB: these say where and how it was installed: on this machine, by this command.
        for file in ("RECORD", "direct_url.json", "REQUESTED", "INSTALLER", "uv_cache.json"):
            (info / file).unlink(missing_ok=True)
    return [each for each in found if each.name not in LEFT_OUT]


def _distribution(info: Path, place: Path) -> Distribution:
    metadata = HeaderParser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
    record = info / "RECORD"
    if not record.exists():
        raise BuildError(f"{info.name} does not say which files it has")
    files = [place / line.split(",", 1)[0] for line in record.read_text(encoding="utf-8").splitlines()]
    return Distribution(
        name=str(metadata["Name"]),
        version=str(metadata["Version"]),
        licence=str(metadata.get("License-Expression") or ""),
        size=sum(file.stat().st_size for file in files if file.is_file()),
    )
