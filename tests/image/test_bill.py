"""The bill of materials, from parts to SPDX."""

import json
import re

from image import sbom

PARTS = [
    sbom.pypi("Typing_Extensions", "4.16.0", "PSF-2.0"),
    sbom.debian("libc6", "2.36-9+deb12u14", "amd64"),
    sbom.golang("helm.sh/helm/v4", "v4.3.1"),
    sbom.pypi("odd", "1.0", "see LICENSE file; it's complicated"),
]
CREATED = "2026-11-28T12:00:00Z"


def test_the_same_parts_give_the_same_bill_in_any_order() -> None:
    """Two builds of one commit have one bill, and so have two lists of the same parts."""
    first = sbom.spdx("autox", "1", PARTS, created=CREATED)

    assert sbom.spdx("autox", "1", list(reversed(PARTS)), created=CREATED) == first
    assert sbom.spdx("autox", "1", PARTS[:-1], created=CREATED)["documentNamespace"] != first["documentNamespace"]


def test_every_part_is_contained_and_can_be_looked_up() -> None:
    """A scanner finds each part by its package URL."""
    bill = sbom.spdx("autox", "1", PARTS, created=CREATED)
    urls = {each["externalRefs"][0]["referenceLocator"] for each in bill["packages"]}

    assert "pkg:pypi/typing-extensions@4.16.0" in urls
    assert "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64" in urls
    contained = {each["relatedSpdxElement"] for each in bill["relationships"] if each["relationshipType"] == "CONTAINS"}
    assert contained == {each["SPDXID"] for each in bill["packages"]} - {"SPDXRef-image"}


def test_what_is_no_licence_expression_is_not_stated_as_one() -> None:
    """Free text in a library's metadata does not make the document invalid."""
    bill = sbom.spdx("autox", "1", PARTS, created=CREATED)
    licences = {each["name"]: each["licenseDeclared"] for each in bill["packages"]}

    assert licences["odd"] == "NOASSERTION"
    assert licences["Typing_Extensions"] == "PSF-2.0"


def test_the_document_is_valid_spdx() -> None:
    """It has what the specification demands: version, licence of the data, identifiers, creation, what it is of."""
    bill = json.loads(json.dumps(sbom.spdx("autox", "1", PARTS, created=CREATED)))

    assert (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["creationInfo"]["created"])
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each["SPDXID"]) for each in bill["packages"])
    assert bill["relationships"][0]["relationshipType"] == "DESCRIBES"
    required = {"SPDXID", "name", "downloadLocation", "filesAnalyzed", "licenseConcluded", "copyrightText"}
    assert all(required <= set(each) for each in bill["packages"])
