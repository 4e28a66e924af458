"""Debian packages, fetched by apt as anybody fetches them: it alone knows mirrors, proxies and keys.

apt also says, without the network, what a package's file is called and what its digest is, so that a file of the last
time is used again as long as apt's signed lists name it. The packages are only read: no script of theirs runs.
"""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image.commands import BuildError, run

_URI = re.compile(r"^'[^']*' (?P<name>\S+) (?P<size>\d+) SHA256:(?P<digest>[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package.

    Attributes:
        name: as Debian calls it.
        control: its description: fields such as ``Package`` and ``Version``, one a line.
        data: the archive of its files, a tar.
    """

    name: str
    control: str
    data: bytes


def fetch(names: Sequence[str], directory: Path) -> list[Package]:
    """Fetch packages, in this order, or take them from the directory where they are kept from one time to the next.

    Raises:
        BuildError: one cannot be had; says what apt said.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        listed = {
            found["name"]: found["digest"]
            for found in _URI.finditer(run(["apt-get", "download", "--print-uris", *names]).decode())
        }
        missing = [file for file, digest in listed.items() if _digest(directory / file) != digest]
        if missing:
            _download([file.partition("_")[0] for file in missing], directory)
    except BuildError as error:
        raise BuildError(
            f"{error}\n  The base is made of packages of Debian 12: was `apt-get update` run, and is there a network?"
        ) from error
    for file in missing:
        if _digest(directory / file) != listed[file]:
            raise BuildError(f"{directory / file} is not the file that apt's lists name: run apt-get update")
    read = {package.name: package for package in map(_read, (directory / file for file in listed))}
    return [read[name] for name in names]


def _download(names: Sequence[str], directory: Path) -> None:
    """Fetch them to the side, for another build may be reading."""
    with tempfile.TemporaryDirectory(dir=directory) as aside:
        # NB: apt fetches as a user of its own, who may not write here; as root's own child it may.
        run(["apt-get", "download", "-o", "APT::Sandbox::User=root", *names], cwd=Path(aside))
        for file in Path(aside).iterdir():
            file.replace(directory / file.name)


def _read(file: Path) -> Package:
    control = run(["dpkg-deb", "--field", str(file)]).decode()
    return Package(
        name=control.split("Package: ", 1)[1].split("\n", 1)[0],
        control=control,
        data=run(["dpkg-deb", "--fsys-tarfile", str(file)]),
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
