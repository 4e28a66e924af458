"""The bill of materials of an image, as SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3).

Its only time is that of the commit, and its namespace is a digest of what it lists: the same image has the same bill.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from image.contents import Part

_NOT_SAID = "NOASSERTION"
_EXPRESSION = re.compile(r"\(?[A-Za-z0-9.+-]+\)?(?: (?:AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*")
_MEANT = {"BSD": "", "MIT License": "MIT", "Apache 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0"}


def spdx(image: str, version: str, parts: Sequence[Part], *, created: str) -> dict[str, Any]:
    """The document: the image, and everything that it contains.

    Args:
        image: its name.
        version: its tag.
        parts: what is in it, in any order.
        created: the time of the commit, ``2026-11-28T12:00:00Z``.
    """
    whole = Part(name=image, version=version, purl=f"pkg:oci/{image}?tag={quote(version)}")
    ordered = sorted(parts, key=lambda part: part.purl)
    references = {part.purl: _reference(part) for part in (whole, *ordered)}
    packages = [_package(references[part.purl], part) for part in (whole, *ordered)]
    relations = [
        {
            "spdxElementId": references[part.within or whole.purl],
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": references[part.purl],
        }
        for part in ordered
    ]
    described = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": references[whole.purl],
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
        "relationships": [described, *relations],
    }


def _package(reference: str, part: Part) -> dict[str, Any]:
    licence = _MEANT.get(part.licence, part.licence)
    return {
        "SPDXID": reference,
        "name": part.name,
        "versionInfo": part.version,
        "downloadLocation": _NOT_SAID,
        "filesAnalyzed": False,
        "licenseConcluded": _NOT_SAID,
        "licenseDeclared": licence if _EXPRESSION.fullmatch(licence) else _NOT_SAID,
        "copyrightText": _NOT_SAID,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": part.purl}
        ],
    }


def _reference(part: Part) -> str:
    """Says what it is of, and is as unique as the purl: ``SPDXRef-pypi-aiohttp-0123456789``."""
    kind, _, name = part.purl.removeprefix("pkg:").partition("@")[0].partition("/")
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", f"{kind}-{name.partition('?')[0]}")
    return f"SPDXRef-{plain}-{hashlib.sha256(part.purl.encode()).hexdigest()[:10]}"
