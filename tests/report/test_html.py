"""The HTML report: one file, harmless, readable by everybody."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from autox.model.result import ExperimentResult
from autox.model.verdict import Verdict
from autox.report.document import document
from autox.report.html import to_html
from autox.report.sections import Look
from tests.report.page import Page
from tests.report.samples import every, huge, passed, without_data
from tests.report.strategies import results

NAMES = sorted(every())
_NUMBERS = ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "viewbox", "d", "cx", "cy", "r", "dy")


def shown(result: ExperimentResult) -> Page:
    """The page of a result."""
    return Page(to_html(document(result)))


@pytest.mark.parametrize("name", NAMES)
def test_offline(name: str) -> None:
    """A page fetches nothing and runs nothing: it can be mailed, archived, and opened on a plane."""
    page = shown(every()[name])

    assert not {element.tag for element in page.elements} & {
        "script",
        "link",
        "iframe",
        "img",
        "object",
        "base",
        "form",
    }
    for element in page.elements:
        for attribute, value in element.attributes.items():
            assert not attribute.startswith("on")
            assert attribute not in ("src", "srcset", "action", "style")
            assert attribute != "href" or value.startswith("#")
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


@pytest.mark.parametrize("name", NAMES)
def test_deterministic(name: str) -> None:
    """The same result makes the same bytes."""
    assert to_html(document(every()[name])).encode() == to_html(document(every()[name])).encode()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "hostile"])
def test_complete(name: str) -> None:
    """Every SLO and every metric can be found on the page."""
    result = every()[name]
    page = shown(result)
    family = re.compile(r"(.+)-(p\d+|mean)(/.+)")

    for outcome in result.slos:
        assert outcome.slo.metric in page.text
    for metric in result.metrics:
        match = family.fullmatch(metric)
        assert metric in page.text or (match and match[1] in page.text and match[3][1:] in page.text)


@pytest.mark.parametrize("name", NAMES)
def test_accessible(name: str) -> None:
    """Headings do not skip a level, tables have headers with a scope, pictures have words, ids are unique."""
    page = shown(every()[name])
    (html,) = page.all("html")
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch(r"h[1-6]", element.tag)]
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]

    assert html.attributes["lang"] == "en"
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(header.attributes["scope"] in ("col", "row") for header in page.all("th"))
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for reference in ("aria-labelledby", "href"):
            for word in element.attributes.get(reference, "").split():
                assert word.removeprefix("#") in ids
    for svg in page.all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes["role"] == "img"


@pytest.mark.parametrize("name", NAMES)
def test_finite(name: str) -> None:
    """Every number of every drawing is one."""
    for element in shown(every()[name]).elements:
        if element.tag in ("svg", "path", "rect", "line", "circle", "text", "symbol"):
            for attribute in _NUMBERS:
                value = element.attributes.get(attribute, "0")
                numbers = re.split(r"[A-Za-z%,\s]+|(?<=\d)(?=-)", value)
                assert "nan" not in value.lower()
                assert "inf" not in value.lower()
                assert all(re.fullmatch(r"-?[\d.]*", number) for number in numbers), (attribute, value)


def test_hostile_text() -> None:
    """Tags in a name are letters on the page; nothing of them reaches the browser's parser."""
    page = shown(every()["hostile"])
    source = page.source

    assert "<script>alert('x')</script>" in page.text
    assert "<script" not in source
    assert not set(source) & {"\x00", "\x1b", "\u202e", "\ud800"}
    assert "dir" in page.all("pre")[0].attributes


def test_policy() -> None:
    """The browser is told to load and run nothing but the page's own style sheet, which is named by its hash."""
    page = shown(without_data())
    (policy,) = [
        element.attributes["content"]
        for element in page.all("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]

    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'", policy
    )
    assert page.elements.index(page.all("meta")[1]) < page.elements.index(page.all("style")[0])


def test_no_data() -> None:
    """An SLO on an unknown metric stands on the page as NoData, and its page is as good as any."""
    text = " ".join(shown(without_data()).text.split())

    assert "no/such-metric" in text
    assert "no/such-metric has no value" in text
    assert "NoData" in text


def test_no_slo() -> None:
    """Without any SLO the page says that nothing could pass."""
    assert "nothing that could pass" in shown(replace(passed(), slos=(), verdict=Verdict.NO_DATA)).text


def test_bounded() -> None:
    """A thousand metrics, a hundred loops and five thousand buckets fit into less than a mebibyte."""
    assert len(to_html(document(huge())).encode()) < 1 << 20


def test_contrast() -> None:
    """Text stands out from its ground by 4.5 to 1 at least, in light and in dark (WCAG AA)."""
    (style,) = shown(without_data()).all("style")
    palettes = [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", style.text)
    ]

    assert len(palettes) == 3
    for palette in palettes:
        for ink in ("text", "quiet", *(look.value for look in Look)):
            for ground in ("card", "page"):
                assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, palette[ink], ground)
        for ink in ("text", "quiet"):
            assert contrast(palette[ink], palette["soft"]) >= 4.5
        for sign in (look.value for look in Look):
            assert contrast(palette[sign], palette["soft"]) >= 3


@settings(max_examples=30)
@given(results)
def test_any_result(result: ExperimentResult) -> None:
    """No result is too odd for a page, and none makes the page dangerous."""
    source = to_html(document(result))
    page = Page(source)

    assert source.encode()
    assert "\x00" not in source
    assert not page.all("script")
    assert page.all("h1")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG has it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """How light a colour is."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
