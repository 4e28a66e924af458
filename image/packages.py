"""A base image of Debian packages: an interpreter and what it links to, with no shell, no package manager, no setuid.

The packages are fetched by apt, which checks their signatures, and only unpacked: no script of theirs runs. Each
leaves its description in ``var/lib/dpkg/status.d``, where scanners look for the packages of images without dpkg.

Rejected: debootstrap (a whole Debian, 300 MB, with a shell, perl and setuid programs), and a base with pip, which would
need the network while the image is built.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image.commands import BuildError, require, run

PACKAGES = (
    "base-files",
    "ca-certificates",
    "libbz2-1.0",
    "libc6",
    "libcrypt1",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "netbase",
    "python3.11-minimal",
    "tzdata",
    "zlib1g",
)
"""The interpreter, everything it links to, certificates, time zones and names of ports. 3.11 is Debian 12's."""

UNNEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/i18n",
    "usr/lib/python3.11/lib2to3",
    "usr/lib/python3.11/pydoc_data",
    "usr/share/binfmts",
    "usr/share/applications",
    "usr/share/pixmaps",
    "usr/bin/ldd",
    "usr/bin/tzselect",
    "usr/sbin/update-ca-certificates",
    "etc/update-motd.d",
    "etc/skel",
    "etc/profile.d",
)
USER = 65532
PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{USER}:\n"
STATUS = Path("var/lib/dpkg/status.d")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the base.

    Attributes:
        size: of its files, in bytes, as Debian states it.
    """

    name: str
    version: str
    architecture: str
    source: str
    size: int


def fetch(directory: Path, packages: Sequence[str] = PACKAGES) -> list[Path]:
    """Fetch the packages into a directory; what is there of an older version goes.

    Raises:
        BuildError: apt could not fetch one; says what apt said.
    """
    require("apt-get", package="apt")
    require("dpkg-deb", package="dpkg")
    draft = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        # NB: root's files are not readable for the user that apt fetches as; it says so and goes on.
        run(["apt-get", "download", "-o", "APT::Sandbox::User=root", *packages], cwd=draft)
    except BuildError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if directory.is_dir():  # what was fetched the last time
            return sorted(directory.glob("*.deb"))
        raise BuildError(f"{error}\n  is there a network, and was `apt-get update` run?") from error
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)
    return sorted(directory.glob("*.deb"))


def unpack(archives: Sequence[Path], root: Path) -> list[Package]:
    """Make the root file system of the base.

    Raises:
        BuildError: a package could not be unpacked, or the disk is full.
    """
    root.mkdir(parents=True)
    found = []
    (root / STATUS).mkdir(parents=True)
    for archive in archives:
        run(["dpkg-deb", "--extract", str(archive), str(root)])
        control = run(["dpkg-deb", "--field", str(archive)])
        package = _package(control)
        (root / STATUS / package.name).write_text(control)
        found.append(package)
    for each in UNNEEDED:
        place = root / each
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    _complete(root)
    return found


def _complete(root: Path) -> None:
    """What the scripts of the packages would have made."""
    (root / "usr/bin/python3").symlink_to("python3.11")
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    certificates = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(each.read_bytes() for each in certificates))
    # NB: a device number or a setuid bit has no business here, whatever a package brings.
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o6000:
            path.chmod(path.stat().st_mode & 0o1777)


def _package(control: str) -> Package:
    fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line and not line.startswith(" "))
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        source=fields.get("Source", fields["Package"]).split()[0],
        size=int(fields.get("Installed-Size", "0")) << 10,
    )
