"""The report as one HTML file that needs nothing else: no network, no script, no font, no second file.

The same document gives the same bytes. All text goes through Jinja2's escaping; the Content-Security-Policy allows
this file's own style sheet, by its hash, and nothing else, so that even text that got through could load or run
nothing. Rejected: plotting libraries and CDNs (Iter8's report needs five, and is empty without them).
"""

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autox.report.charts import NARROW, WIDE, distribution_chart, meter
from autox.report.graphs import drawing
from autox.report.sections import Document

_TEMPLATE = "report.html.j2"
_STYLE = "report.css"


def to_html(document: Document) -> str:
    """A whole page, UTF-8 when it is written to a file."""
    return rendered(
        _TEMPLATE,
        _STYLE,
        document=document,
        slos=[(row, meter(row)) for row in document.slos],
        charts=[(each, [distribution_chart(each, size) for size in (WIDE, NARROW)]) for each in document.distributions],
        graphs=[(table.title, [(each, drawing(each)) for each in table.graphs]) for table in document.graphs],
        configured=[task for task in document.tasks if task.configuration],
    )


def rendered(template: str, *styles: str, **parts: Any) -> str:
    """A page of a template, with the style sheet that it allows itself.

    Args:
        template: the name of its file.
        styles: those of its style sheets, which become one.
        parts: what is shown.
    """
    environment = _environment()
    style = "".join(environment.get_template(each).render() for each in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704  - our own file
        style_hash=f"sha256-{digest}",
        **parts,
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("autox.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
