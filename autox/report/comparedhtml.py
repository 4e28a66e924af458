"""A compared matrix as one HTML file that needs nothing else, as ``html`` makes it of a result.

What differs stands above all else; the same trials give the same bytes.
"""

from autox.model.comparison import Answer, Comparison
from autox.report.compared import LOOKS
from autox.report.comparedsections import ComparedDocument
from autox.report.effectcharts import effects
from autox.report.html import rendered
from autox.report.sections import Mark
from autox.report.variantcharts import curves, strips

_TEMPLATE = "compared.html.j2"
_STYLES = ("report.css", "compared.css")


def to_html(document: ComparedDocument, comparison: Comparison) -> str:
    """A whole page.

    Args:
        document: what it says.
        comparison: of the same, for what is drawn.
    """
    drawn = [strips(each, seed=comparison.matrix.seed) for each in document.metrics]
    return rendered(
        _TEMPLATE,
        *_STYLES,
        document=document,
        answers=[(answer, Mark(word=answer.value, look=LOOKS[answer])) for answer in Answer],
        effects=effects(comparison),
        strips=[each for each in drawn if each is not None],
        curves=curves(comparison),
    )
