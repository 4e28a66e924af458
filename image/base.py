"""A base image of Debian packages: an interpreter, what it links to, and certificates; no shell, no package manager.

It stands in where no image can be pulled, and is the smaller and emptier one where it can. Each package leaves its
description and the list of its files in ``var/lib/dpkg/status.d``, as distroless images do and as scanners know.

Rejected: debootstrap, which makes a whole Debian, 300 MB with a shell, perl and setuid programs.
"""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from image.commands import BuildError
from image.debian import Package
from image.layers import Entry, Kind

PYTHON = "3.11"  # of Debian 12
PACKAGES = (
    "base-files",
    "ca-certificates",
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "netbase",
    "python3.11-minimal",
    "tzdata",
    "zlib1g",
)
PIP = "python3-pip-whl"
"""What a builder has on top: a wheel of pip, and nothing else."""

ENV = ("PATH=/usr/local/bin:/usr/bin",)
USER = 65532

_MERGED = ("bin", "lib", "lib64", "sbin")  # links to those in usr, as in every Debian since 12
_PROGRAMS = {f"usr/bin/python{PYTHON}"}
_UNNEEDED = (
    "boot",
    "etc/ca-certificates",
    "etc/default",
    "etc/dpkg",
    "etc/issue",
    "etc/profile.d",
    "etc/skel",
    "etc/issue.net",
    "etc/update-motd.d",
    f"usr/lib/python{PYTHON}/lib2to3",
    f"usr/lib/python{PYTHON}/pydoc_data",
    f"usr/lib/python{PYTHON}/test",
    f"usr/lib/python{PYTHON}/turtle.py",
    "usr/games",
    "usr/share/base-files",
    "usr/share/binfmts",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/man",
    "usr/src",
    "var/backups",
    "var/cache",
    "var/local",
    "var/lock",
    "var/mail",
    "var/spool",
)
_UNLINKED = ("_crypt", "_curses", "_curses_panel", "_dbm", "_sqlite3", "nis", "readline")
"""Modules whose libraries are not there, since nothing of ours imports them."""


def base(packages: Sequence[Package]) -> Iterator[Entry]:
    """The files of the base: the packages', and what their scripts would have made."""
    certificates = []
    for link in _MERGED:
        yield Entry.directory(f"usr/{link}")
        yield Entry.link(link, f"usr/{link}")
    for package in packages:
        files = [entry for entry in _files(package) if _wanted(entry)]
        yield from files
        certificates += [entry.content for entry in files if entry.path.endswith(".crt")]
        sums = "".join(
            f"{hashlib.md5(entry.content, usedforsecurity=False).hexdigest()}  {entry.path}\n"
            for entry in files
            if entry.kind is Kind.FILE
        )
        yield Entry.file(f"var/lib/dpkg/status.d/{package.name}", package.control)
        yield Entry.file(f"var/lib/dpkg/status.d/{package.name}.md5sums", sums)
    yield Entry.file("etc/ssl/certs/ca-certificates.crt", b"".join(sorted(certificates)))
    yield Entry.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    yield Entry.link("usr/lib/ssl/certs", "/etc/ssl/certs")
    yield Entry.link("usr/bin/python3", f"python{PYTHON}")
    yield Entry.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    yield Entry.file("etc/passwd", f"root:x:0:0::/:/nologin\nnonroot:x:{USER}:{USER}::/home/nonroot:/nologin\n")
    yield Entry.file("etc/group", f"root:x:0:\nnonroot:x:{USER}:\n")
    yield Entry.directory("home/nonroot", mode=0o700, owner=USER)
    yield Entry.directory("tmp", mode=0o1777)


def pip(package: Package) -> Iterator[Entry]:
    """What makes a builder of the base: pip, where Debian's interpreter finds it.

    Raises:
        BuildError: the package has no wheel of pip.
    """
    wheels = [entry for entry in _files(package) if PurePosixPath(entry.path).match("pip-*.whl")]
    if len(wheels) != 1:
        raise BuildError(f"{package.name} has {len(wheels)} wheels of pip, not one")
    with zipfile.ZipFile(io.BytesIO(wheels[0].content)) as wheel:
        for name in wheel.namelist():
            if not name.endswith("/"):
                yield Entry.file(f"usr/lib/python3/dist-packages/{name}", wheel.read(name))


def _files(package: Package) -> Iterator[Entry]:
    with tarfile.open(fileobj=io.BytesIO(package.data)) as tar:
        for member in tar:
            path = _merged(member.name.removeprefix(".").strip("/"))
            if not path or path in _MERGED:
                continue
            # NB: no setuid, whatever a package brings; sticky is what /tmp needs.
            if member.isdir():
                yield Entry.directory(path, mode=member.mode & 0o1777)
            elif member.issym():
                yield Entry.link(path, member.linkname)
            elif member.isfile() or member.islnk():
                content = tar.extractfile(member)
                yield Entry.file(path, content.read() if content is not None else b"", mode=member.mode & 0o777)


def _merged(path: str) -> str:
    return f"usr/{path}" if path.split("/", 1)[0] in _MERGED else path


def _wanted(entry: Entry) -> bool:
    path = PurePosixPath(entry.path)
    if any(path.is_relative_to(each) for each in _UNNEEDED):
        return False
    if path.is_relative_to("usr/share/doc"):
        return entry.kind is Kind.DIRECTORY or path.name == "copyright"
    if path.parent.name in {"bin", "sbin"} and entry.kind is not Kind.DIRECTORY:
        return entry.path in _PROGRAMS
    if path.parent.name == "lib-dynload":
        return path.name.split(".", 1)[0] not in _UNLINKED
    # There is no locale but C, which needs no conversions: 8 MB.
    return "gconv" not in path.parts and path.name != "EXTERNALLY-MANAGED"
