"""The table of tasks: what it says of each task is true, and what it does not say is hidden."""

import importlib
from dataclasses import replace

import pytest

from autox.api.tasks.kind import HIDDEN, Kind, Load
from autox.api.tasks.table import KINDS

EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def fields(kind: Kind) -> set[str]:
    """What it may be told in the experiment document, by the names that users write."""
    return {field.alias or name for name, field in kind.section.model_fields.items()}


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


@EACH
def test_its_examples_are_its_metrics(kind: Kind) -> None:
    """Names that are told to whoever names another are right, and a distribution is none of them."""
    made = kind.metrics
    if made is not None:
        assert all(made.has(name) for name in (*made.examples, *made.distributions.values()))
        assert not any(made.has(name) for name in made.distributions)


def test_what_loads_measures() -> None:
    """A load of which nothing is measured could not be judged."""
    assert {name for name, kind in KINDS.items() if kind.load is not Load.NONE} == {
        name for name, kind in KINDS.items() if kind.metrics is not None
    }
