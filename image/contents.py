"""What is in an image, read from the archive itself and not from what was meant to go in.

Debian packages leave their descriptions (``status.d`` where nothing can be installed, ``status`` where dpkg is), Python
distributions their metadata, and Go programs the modules that they are made of, inside the program.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

HELM = "usr/local/bin/helm"
_GO_MODULE = re.compile(rb"\n(?P<kind>mod|dep)\t(?P<path>[^\t\n]+)\t(?P<version>v[^\t\n]+)")
_COMPILED = re.compile(r"__pycache__/(?P<name>[^/]+)\.cpython-\d+\.pyc$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that is in the image.

    Attributes:
        purl: its package URL, by which scanners look up what is known of it.
        licence: as it states it itself; empty when it does not.
        within: the purl of the part that it is inside of.
        size: of its files, in bytes; 0 when they are not its own.
    """

    name: str
    version: str
    purl: str
    licence: str = ""
    within: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in an image.

    Attributes:
        config: of the image: its user, its entry point, its labels.
        layers: the digests of the layers, before they are compressed.
        files: the size of each file.
        parts: what they are of.
    """

    config: Mapping[str, Any]
    layers: tuple[str, ...]
    files: Mapping[str, int]
    parts: tuple[Part, ...]


def read(archive: Path) -> Contents:
    """Read an archive as ``oci.pack`` writes it."""
    sizes: dict[str, int] = {}
    texts: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        manifest = json.loads(_blob(tar, json.loads(_member(tar, "index.json"))["manifests"][0]))
        config = json.loads(_blob(tar, manifest["config"]))
        for descriptor in manifest["layers"]:
            plain = gzip.decompress(_blob(tar, descriptor))
            with tarfile.open(fileobj=io.BytesIO(plain)) as layer:
                for member in layer:
                    path = member.name.removeprefix("./").strip("/")
                    if member.isfile():
                        sizes[path] = member.size
                    if member.isfile() and _telling(path):
                        content = layer.extractfile(member)
                        texts[path] = content.read() if content is not None else b""
    return Contents(
        config=config["config"],
        layers=tuple(config["rootfs"]["diff_ids"]),
        files=sizes,
        parts=tuple(_with_sizes([*_debian(texts), *_python(texts), *_go(texts)], sizes, texts)),
    )


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file is not None else b""


def _blob(tar: tarfile.TarFile, descriptor: Mapping[str, Any]) -> bytes:
    return _member(tar, f"blobs/{str(descriptor['digest']).replace(':', '/')}")


def _telling(path: str) -> bool:
    return (
        path.startswith("var/lib/dpkg/")
        or path.endswith((".dist-info/METADATA", ".dist-info/RECORD"))
        or path in {HELM, "usr/lib/os-release"}
    )


def _debian(texts: Mapping[str, bytes]) -> Iterator[tuple[Part, str]]:
    release = re.search(rb'^VERSION_ID="?(\d+)', texts.get("usr/lib/os-release", b""), re.MULTILINE)
    distribution = f"&distro=debian-{release[1].decode()}" if release else ""
    for path, text in texts.items():
        alone = path.startswith("var/lib/dpkg/status.d/") and not path.endswith(".md5sums")
        if not alone and path != "var/lib/dpkg/status":
            continue
        for paragraph in text.decode().strip().split("\n\n"):
            fields = HeaderParser().parsestr(paragraph)
            name, version, architecture = (str(fields[key]) for key in ("Package", "Version", "Architecture"))
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}{distribution}"
            place = "status.d" if alone else "info"
            yield Part(name=name, version=version, purl=purl), f"var/lib/dpkg/{place}/{name}.md5sums"


def _python(texts: Mapping[str, bytes]) -> Iterator[tuple[Part, str]]:
    for path, text in texts.items():
        if not path.endswith("/METADATA"):
            continue
        fields = HeaderParser().parsestr(text.decode())
        name, version = str(fields["Name"]), str(fields["Version"])
        canonical = re.sub(r"[-_.]+", "-", name).lower()
        licence = str(fields["License-Expression"] or fields["License"] or "")
        part = Part(name=name, version=version, licence=licence, purl=f"pkg:pypi/{canonical}@{quote(version)}")
        yield part, path.removesuffix("METADATA") + "RECORD"


def _go(texts: Mapping[str, bytes]) -> Iterator[tuple[Part, str]]:
    modules = {found["path"].decode(): found["version"].decode() for found in _GO_MODULE.finditer(texts[HELM])}
    helm = next((path for path in modules if path.startswith("helm.sh/helm/")), "")
    whole = f"pkg:golang/{helm}@{modules.get(helm, '')}"
    for path, version in modules.items():
        licence, within = ("Apache-2.0", "") if path == helm else ("", whole)
        purl = f"pkg:golang/{path.lower()}@{version}"
        yield Part(name=path, version=version, purl=purl, licence=licence, within=within), HELM if path == helm else ""


def _with_sizes(parts: list[tuple[Part, str]], sizes: Mapping[str, int], texts: Mapping[str, bytes]) -> Iterator[Part]:
    owners = {path: number for number, (_, listed) in enumerate(parts) for path in _listed(listed, texts)}
    totals = dict.fromkeys(range(len(parts)), 0)
    for path, size in sizes.items():
        owner = owners.get(_COMPILED.sub(r"\g<name>.py", path))
        if owner is not None:
            totals[owner] += size
    for number, (part, _) in enumerate(parts):
        yield replace(part, size=totals[number])


def _listed(path: str, texts: Mapping[str, bytes]) -> list[str]:
    """The files that a list names: of a package with their digests, of a distribution from where it is installed."""
    if path == HELM:
        return [HELM]
    lines = texts.get(path, b"").decode().splitlines()
    if path.endswith("/RECORD"):
        return [str(PurePosixPath(path).parents[1] / line.split(",", 1)[0]) for line in lines]
    return [line.split("  ", 1)[1] for line in lines]
