"""The bill of materials, from the archive of an image to SPDX."""

import json
import re
from pathlib import Path

from image.contents import HELM, Part, read
from image.layers import Entry
from image.sbom import spdx
from tests.image.archives import CREATED, write

LIBRARIES = "usr/lib/python3/site-packages"
IMAGE = (
    Entry.file("usr/lib/os-release", 'ID=debian\nVERSION_ID="12"\n'),
    Entry.file("usr/lib/libc.so.6", b"1234"),
    Entry.file("var/lib/dpkg/status.d/libc6", "Package: libc6\nVersion: 2.36-9+deb12u14\nArchitecture: amd64\n"),
    Entry.file("var/lib/dpkg/status.d/libc6.md5sums", "0123  usr/lib/libc.so.6\n"),
    Entry.file(
        f"{LIBRARIES}/Typing_Extensions-4.dist-info/METADATA",
        "Metadata-Version: 2.4\nName: Typing_Extensions\nVersion: 4.16.0\nLicense-Expression: PSF-2.0\n\nText: more\n",
    ),
    Entry.file(f"{LIBRARIES}/Typing_Extensions-4.dist-info/RECORD", "typing_extensions.py,sha256=x,3\n"),
    Entry.file(f"{LIBRARIES}/typing_extensions.py", b"123"),
    Entry.file(f"{LIBRARIES}/__pycache__/typing_extensions.cpython-311.pyc", b"12345"),
    Entry.file(
        HELM, b"\x7fELF\0path\thelm.sh/helm/v4/cmd/helm\nmod\thelm.sh/helm/v4\tv4.3.1\nh1:\ndep\tk8s.io/api\tv0.35.0\n"
    ),
)
HELM_PURL = "pkg:golang/helm.sh/helm/v4@v4.3.1"


def test_every_part_is_found_in_the_archive(tmp_path: Path) -> None:
    """Packages, libraries and the modules of helm are read from the image itself, whatever was meant to go in."""
    found = {part.purl: part for part in read(write(tmp_path / "x.tar", *IMAGE)).parts}

    assert set(found) == {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12",
        "pkg:pypi/typing-extensions@4.16.0",
        HELM_PURL,
        "pkg:golang/k8s.io/api@v0.35.0",
    }
    assert found["pkg:golang/k8s.io/api@v0.35.0"].within == HELM_PURL


def test_packages_of_a_base_with_dpkg_are_found_too(tmp_path: Path) -> None:
    """A base that others made has one file for all its packages."""
    status = "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\nVersion: 2\nArchitecture: amd64\n"
    found = read(write(tmp_path / "x.tar", Entry.file("var/lib/dpkg/status", status), IMAGE[-1])).parts

    assert [(part.name, part.version) for part in found[:2]] == [("a", "1"), ("b", "2")]


def test_the_size_of_a_part_is_that_of_its_files(tmp_path: Path) -> None:
    """Who looks for what is large finds it, with what was compiled of it."""
    sizes = {part.name: part.size for part in read(write(tmp_path / "x.tar", *IMAGE)).parts}

    assert (sizes["libc6"], sizes["Typing_Extensions"], sizes["k8s.io/api"]) == (4, 8, 0)


def bill(*parts: Part) -> dict[str, object]:
    """The bill of an image of these parts."""
    document: dict[str, object] = json.loads(json.dumps(spdx("autox", "1.2", parts, created=CREATED)))
    return document


def test_the_same_parts_have_the_same_bill_in_any_order(tmp_path: Path) -> None:
    """Two builds of one commit have one bill; another part makes another namespace."""
    parts = read(write(tmp_path / "x.tar", *IMAGE)).parts

    assert bill(*parts) == bill(*reversed(parts))
    assert bill(*parts)["documentNamespace"] != bill(*parts[1:])["documentNamespace"]


def test_what_is_no_licence_expression_is_not_stated_as_one() -> None:
    """Free text in a library's metadata does not make the document invalid."""
    odd = Part(name="odd", version="1", purl="pkg:pypi/odd@1", licence="see LICENSE file; it's complicated")
    plain = Part(name="plain", version="1", purl="pkg:pypi/plain@1", licence="Apache-2.0 OR BSD-3-Clause")
    licences = {each["name"]: each["licenseDeclared"] for each in spdx("a", "1", [odd, plain], created="")["packages"]}

    assert licences == {"a": "NOASSERTION", "odd": "NOASSERTION", "plain": "Apache-2.0 OR BSD-3-Clause"}


def test_the_document_is_what_spdx_demands(tmp_path: Path) -> None:
    """It has the fields that SPDX 2.3 asks for, unique identifiers, and a place for each part."""
    document = spdx("autox", "1.2", read(write(tmp_path / "x.tar", *IMAGE)).parts, created=CREATED)

    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert document["SPDXID"] == "SPDXRef-DOCUMENT"
    assert document["creationInfo"]["created"] == CREATED
    names = [each["SPDXID"] for each in document["packages"]]
    assert len({*names}) == len(names) == 5
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
    required = {"SPDXID", "name", "downloadLocation", "filesAnalyzed", "licenseConcluded", "copyrightText"}
    assert all(required <= {*each} for each in document["packages"])
    assert [each["relatedSpdxElement"] for each in document["relationships"]] == names
