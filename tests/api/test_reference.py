"""The page of tasks says what is in the table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import Field

from autox.api.documents import Document
from autox.api.tasks.kind import Kind
from autox.api.tasks.measuring import METRICS, maker
from autox.api.tasks.metrics import MetricFamily
from autox.api.tasks.reference import generated
from autox.api.tasks.rights import Of, Right
from autox.api.tasks.table import KINDS
from autox.api.tasks.wait import WaitSection

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tasks.md"
DOCUMENTS = sorted(ROOT.glob("docs/*.md"))


def about(name: str) -> str:
    """What the page says of a task."""
    return generated().partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]


def test_the_page_is_that_of_the_table() -> None:
    """If this fails: ``make generate``."""
    assert PAGE.read_text() == generated()


@pytest.mark.parametrize("document", [ROOT / "README.md", *DOCUMENTS], ids=lambda path: path.name)
def test_documents_name_metrics_that_there_are(document: Path) -> None:
    """Or what several of them begin with: who takes a name from a page into an SLO is not refused."""
    examples = [f"{name}/{family.example}" for name, kind in KINDS.items() for family in kind.metrics]
    named = re.findall(rf"`((?:{'|'.join(METRICS)})/[\w./-]+)`", document.read_text())

    assert [name for name in named if not maker(name) and not any(each.startswith(name) for each in examples)] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_nothing_is_left_out(kind: Kind) -> None:
    """Every field of the document and of the chart has its row, and so has every metric."""
    named = re.findall(r"^\| `([^`]+)`", about(kind.name), re.MULTILINE)
    models: tuple[type[Document], ...] = (kind.section, kind.chart_section)

    assert {field.alias for model in models for field in model.model_fields.values()} <= set(named)
    assert [name for name in named if "/" in name] == [f"{kind.name}/{family.example}" for family in kind.metrics]


def test_a_new_field_metric_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said in a kind is on the page: type, default, limits, what reports show, unit and meaning."""

    class Grown(WaitSection):
        alarm: str = Field(default="a|b", max_length=4_000, description="What rings.")

    metric = MetricFamily(pattern="naps-(long|short)", example="naps-long", unit="s", help="Naps of {N} people.")
    right = Right(field="alarm", of=Of.NAME, resource="configmaps", verbs=("get", "watch"))
    grown = replace(KINDS["wait"], section=Grown, chart_section=Grown, metrics=(metric,), rights=(right,))
    monkeypatch.setitem(KINDS, "wait", grown)

    told = about("wait").splitlines()

    assert '| `alarm` | text | `"a\\|b"` | at most 4,000 characters | hidden | What rings. |' in told
    assert r"| `wait/naps-long` | `naps-(long\|short)` | s | Naps of N people |" in told
    assert "- `alarm`: get and watch `configmaps`, the one of this name" in told
