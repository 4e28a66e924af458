"""The table of tasks: what it says of each task is true, and what it does not say is hidden."""

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from autox.api.documents import Document
from autox.api.experimentdocument import load_experiment
from autox.api.tasks.kind import HIDDEN, Kind, Load
from autox.api.tasks.measuring import maker
from autox.api.tasks.rights import Of
from autox.api.tasks.table import KINDS
from autox.api.tasks.wait import WaitSection

AUTOX = Path(__file__).parents[2] / "autox"
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def fields(kind: Kind) -> set[str]:
    """What it may be told in the experiment document, by the names that users write."""
    return named(kind.section)


def named(section: type[Document]) -> set[str]:
    """The fields of a section, by the names that users write."""
    return {field.alias or name for name, field in section.model_fields.items()}


@EACH
def test_it_can_be_carried_out(kind: Kind) -> None:
    """Its module has the function that does so."""
    assert callable(importlib.import_module(kind.module).run)


@EACH
def test_what_is_shown_is_a_field(kind: Kind) -> None:
    """A field that was renamed is not shown by its old name, and hidden by its new one."""
    assert set(kind.shows) <= fields(kind)


def test_what_is_hidden() -> None:
    """All else is shown: whoever adds a field says here that it may hold a secret, or in its kind that it does not."""
    hidden = {f"{name}.{field}" for name, kind in KINDS.items() for field in fields(kind) - set(kind.shows)}

    assert hidden == {"http.payloadStr"}


@EACH
def test_a_field_that_nobody_speaks_of_is_hidden(kind: Kind) -> None:
    """It was shown, for every task but http."""
    silent = replace(kind, shows={})

    assert silent.shown({"token": "abc", "empty": ""}) == {"token": HIDDEN, "empty": ""}


def test_a_new_field_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a field to a task, and thinks of no report, has told nobody a password."""

    class Grown(WaitSection):
        token: str

    monkeypatch.setitem(KINDS, "wait", replace(KINDS["wait"], section=Grown))
    document = tmp_path / "experiment.json"
    document.write_text(json.dumps({"tasks": [{"task": "wait", "with": {"seconds": 1, "token": "abc"}}]}))

    (spec,) = load_experiment(document)

    assert spec.shown == {"seconds": 1, "token": HIDDEN}


@EACH
def test_its_examples_are_its_metrics(kind: Kind) -> None:
    """Names that are told to whoever names another are right, each of one family alone; a distribution is none."""
    for family in kind.metrics:
        assert [each for each in kind.metrics if each.has(family.example)] == [family]
        assert maker(f"{kind.name}/{family.example}") == ("" if family.figure else kind.name)
        assert not family.figure or maker(f"{kind.name}/{family.figure}") == kind.name


@EACH
def test_a_metric_comes_with_its_unit_and_meaning(kind: Kind) -> None:
    """A report shows what the table says, and a name that is not in the table is a defect of the task's."""
    for family in kind.metrics:
        holes = family.help.count("{")
        metric = kind.measured(family.example, 1.0, *["x"] * holes)
        assert (metric.name, metric.unit) == (f"{kind.name}/{family.example}", family.unit)
        assert metric.help
        assert "{" not in metric.help + family.meaning
    with pytest.raises(LookupError, match=f"task {kind.name} makes no metric nothing"):
        kind.measured("nothing", 1.0)


def test_nobody_else_asks_for_a_task_by_name() -> None:
    """What is done for one task alone is said in its kind, so that the next one needs no look around."""
    asked = re.compile(rf"""(\.task|\.name|\btask|\bname) (==|!=|in|not in) [({{\[]?"({"|".join(KINDS)})\"""")
    others = [file for file in AUTOX.rglob("*.py") if "tasks" not in file.relative_to(AUTOX).parts]

    assert asked.search('any(spec.name == "ready" for spec in specs)')
    assert [str(file) for file in others if asked.search(file.read_text())] == []


def test_what_loads_measures() -> None:
    """A load of which nothing is measured could not be judged."""
    assert {name for name, kind in KINDS.items() if kind.load is not Load.NONE} <= {
        name for name, kind in KINDS.items() if kind.metrics
    }


@EACH
def test_rights_are_about_what_it_is_told(kind: Kind) -> None:
    """The rules of its Role follow fields that there are; what needs the cluster may do something there."""
    assert {right.field for right in kind.rights} <= named(kind.chart_section)
    assert kind.rights or not kind.needs_cluster
    for right in kind.rights:
        assert bool(right.resource) == (right.of is not Of.OBJECTS)
        assert not (right.named and "list" in right.verbs), "a list cannot be held to a name"


@EACH
def test_a_secret_becomes_a_file(kind: Kind) -> None:
    """What the chart takes from a Secret the experiment document takes from a file."""
    assert set(kind.secrets) <= named(kind.chart_section)
    assert set(kind.secrets.values()) <= fields(kind)
    assert kind.slos in {"", *named(kind.chart_section)}
