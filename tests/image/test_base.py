"""The base of Debian packages: what is taken of them, and what is not."""

import io
import tarfile

from image.base import base
from image.debian import Package
from image.layers import Entry, Kind

CONTROL = "Package: thing\nVersion: 1.0-1\nArchitecture: amd64\nDescription: a thing\n"


def package(*members: tuple[str, int], links: dict[str, str] | None = None) -> Package:
    """A package of files, each of which contains its own name; with modes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode in members:
            info = tarfile.TarInfo(f"./{name}")
            info.mode, info.size = mode, len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(f"./{name}")
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return Package(name="thing", control=CONTROL, data=buffer.getvalue())


def made(*packages: Package) -> dict[str, Entry]:
    """The base's entries by path."""
    return {entry.path: entry for entry in base(packages)}


def test_the_interpreter_is_the_only_program() -> None:
    """There is no shell and no tool in the image that a package would bring along."""
    found = made(package(("usr/bin/python3.11", 0o755), ("bin/sh", 0o755), ("usr/sbin/update-ca-certificates", 0o755)))

    programs = [path for path in found if path.split("/")[-2:-1] in (["bin"], ["sbin"])]
    assert sorted(programs) == ["usr/bin/python3", "usr/bin/python3.11"]


def test_nothing_runs_as_somebody_else() -> None:
    """A setuid or setgid bit of a package is taken away."""
    found = made(package(("usr/lib/program", 0o6755)))

    assert found["usr/lib/program"].mode == 0o755


def test_libraries_are_found_by_either_name() -> None:
    """Debian's packages still say /lib, where there is a link: the loader's own name is written into each program."""
    found = made(package(("lib/x86_64-linux-gnu/libc.so.6", 0o644), links={"lib64/ld.so.2": "/lib/ld.so"}))

    assert "usr/lib/x86_64-linux-gnu/libc.so.6" in found
    assert (found["lib64"].target, found["usr/lib64/ld.so.2"].target) == ("usr/lib64", "/lib/ld.so")
    assert "lib/x86_64-linux-gnu/libc.so.6" not in found


def test_a_scanner_finds_the_packages_and_their_files() -> None:
    """Each package leaves its description and the list of its files where images without dpkg have them."""
    found = made(package(("usr/lib/thing.so", 0o644), ("usr/share/man/thing.1", 0o644)))

    assert found["var/lib/dpkg/status.d/thing"].content.decode() == CONTROL
    (line,) = found["var/lib/dpkg/status.d/thing.md5sums"].content.decode().splitlines()
    assert line.split("  ")[1] == "usr/lib/thing.so"


def test_licences_stay() -> None:
    """Of the documentation only what the packages' licences demand is in the image."""
    found = made(package(("usr/share/doc/thing/copyright", 0o644), ("usr/share/doc/thing/changelog.gz", 0o644)))

    assert "usr/share/doc/thing/copyright" in found
    assert "usr/share/doc/thing/changelog.gz" not in found


def test_certificates_are_in_one_file() -> None:
    """TLS to the outside works: OpenSSL and Go find the authorities that Debian trusts."""
    crt = "usr/share/ca-certificates/mozilla"
    found = made(package((f"{crt}/B.crt", 0o644), (f"{crt}/A.crt", 0o644)))

    assert found["etc/ssl/certs/ca-certificates.crt"].content.decode() == f"{crt}/A.crt{crt}/B.crt"
    assert found["usr/lib/ssl/cert.pem"].target == "/etc/ssl/certs/ca-certificates.crt"


def test_the_user_has_a_name_and_a_home() -> None:
    """Programs that ask who they are get an answer; nobody can log in."""
    found = made()

    assert "nonroot:x:65532:65532::/home/nonroot:/nologin" in found["etc/passwd"].content.decode()
    assert (found["home/nonroot"].kind, found["home/nonroot"].owner) == (Kind.DIRECTORY, 65532)
