"""The files that are generated from the models are the ones in the tree."""

import re
from pathlib import Path

import pytest
import yaml

from autox import __version__
from autox.api.schemas import generated, published
from autox.api.tasks.density.presets import PRESETS, PresetSection
from autox.api.tasks.table import KINDS
from autox.core.loads.workloads import pods

CHARTS = Path(__file__).parents[2] / "charts"
DOCUMENTS = Path(__file__).parents[2] / "docs"


def test_no_drift() -> None:
    """A change of the models comes with its files: run `python -m autox.api.schemas`."""
    assert [path for path, text in generated().items() if (CHARTS / path).read_text() != text] == []


def test_published_schemas_do_not_drift() -> None:
    """Likewise what editors check documents by."""
    assert [path for path, text in published().items() if (DOCUMENTS / path).read_text() != text] == []


@pytest.mark.parametrize("chart", ["autox", "experiment", "nodes"])
def test_versions(chart: str) -> None:
    """The charts have the version of the package, and run the image of that version."""
    found = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text())

    assert (found["name"], found["version"], found["appVersion"]) == (chart, __version__, __version__)


@pytest.mark.parametrize("chart", ["autox", "experiment", "nodes"])
def test_templates_name_no_task(chart: str) -> None:
    """What a chart does for a task it does for the next one, too: but for a task's own file it reads the table."""
    names = re.compile(rf'"({"|".join(KINDS)})"|\.Values\.({"|".join(KINDS)})\b')
    own = {"_tasks.tpl", *(f"_{name}.tpl" for name in KINDS)}
    templates = [file for file in (CHARTS / chart / "templates").rglob("*.*") if file.name not in own]

    assert templates
    assert [str(file) for file in templates if names.search(file.read_text())] == []


def test_sidecars_are_there() -> None:
    """A task that has something run beside it brings the template of that."""
    text = "".join(file.read_text() for file in (CHARTS / "experiment" / "templates").glob("_*.tpl"))

    brought = re.findall(r'define "experiment\.(\w+)\.sidecar"', text)

    assert brought == [name for name, kind in KINDS.items() if kind.sidecar]


def test_sums_are_there() -> None:
    """A task whose numbers may be too much together brings the template that adds them up."""
    text = "".join(file.read_text() for file in (CHARTS / "experiment" / "templates").glob("_*.tpl"))

    assert re.findall(r'define "experiment\.(\w+)\.sums"', text) == [name for name, kind in KINDS.items() if kind.sums]


@pytest.mark.parametrize("name", ["cluster-density", "few-large", "jobs", "service-churn"])
def test_presets_have_as_many_pods_of_each_thing(name: str) -> None:
    """The chart multiplies, so that twenty-one of something must have three times the pods of seven."""
    [counted] = {"pods", "namespaces", "services", "jobs"} & PRESETS[name].parameters.keys()

    seven, more = (
        pods(PresetSection.model_validate({"name": name, counted: many}).parts(nodes=3).plan.value(), nodes=3)
        for many in (7, 21)
    )

    assert more == 3 * seven > 0
