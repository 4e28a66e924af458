"""The bill of materials of the image, as SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3).

Written from what was put in and not by a scanner: the Debian packages, the libraries with their pinned versions, autox
and helm. It holds no time but that of the commit, and its namespace is a digest of its content, so that the same image
has the same bill.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

NOTHING_SAID = "NOASSERTION"
_EXPRESSION = re.compile(r"[A-Za-z0-9.+()-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+()-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that is in the image.

    Attributes:
        purl: its package URL, by which scanners look up what is known of it.
        licence: an SPDX expression; empty when none is known.
    """

    name: str
    version: str
    purl: str
    licence: str = ""


def pypi(name: str, version: str, licence: str) -> Part:
    """A Python library."""
    canonical = re.sub(r"[-_.]+", "-", name).lower()
    return Part(name=name, version=version, licence=licence, purl=f"pkg:pypi/{canonical}@{quote(version)}")


def debian(name: str, version: str, architecture: str) -> Part:
    """A Debian package."""
    return Part(name=name, version=version, purl=f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}")


def golang(module: str, version: str) -> Part:
    """A program made of a Go module."""
    return Part(name=module, version=version, purl=f"pkg:golang/{module}@{version}", licence="Apache-2.0")


def spdx(image: str, version: str, parts: Sequence[Part], *, created: str) -> dict[str, Any]:
    """The document: the image, and everything it contains.

    Args:
        image: its name.
        version: its tag.
        parts: what is in it, in any order.
        created: the time of the commit, ``2026-11-28T12:00:00Z``.
    """
    ordered = sorted(parts, key=lambda part: part.purl)
    packages = [
        _package("SPDXRef-image", Part(name=image, version=version, purl=f"pkg:oci/{image}@{quote(version)}")),
        *(_package(_reference(number), part) for number, part in enumerate(ordered)),
    ]
    contains = [
        {
            "spdxElementId": "SPDXRef-image",
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": _reference(number),
        }
        for number in range(len(ordered))
    ]
    describes = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": "SPDXRef-image",
    }
    content = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{image}-{version}",
        "documentNamespace": f"https://autox.dev/spdx/{image}-{version}-{content}",
        "creationInfo": {"created": created, "creators": [f"Tool: autox-image-{version}"]},
        "packages": packages,
        "relationships": [describes, *contains],
    }


def _package(reference: str, part: Part) -> dict[str, Any]:
    licence = part.licence if _EXPRESSION.fullmatch(part.licence) else NOTHING_SAID
    return {
        "SPDXID": reference,
        "name": part.name,
        "versionInfo": part.version,
        "downloadLocation": NOTHING_SAID,
        "filesAnalyzed": False,
        "licenseConcluded": NOTHING_SAID,
        "licenseDeclared": licence,
        "copyrightText": NOTHING_SAID,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": part.purl}
        ],
    }


def _reference(number: int) -> str:
    return f"SPDXRef-part-{number}"
