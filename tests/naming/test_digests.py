"""The digest of chart and values: the same for what Helm reads the same, another one for everything else."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.naming import digest
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef

CHART = ChartRef(name="experiment")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"qps": 8}, {"qps": 8.0}),
        ({"zero": 0}, {"zero": -0.0}),
        ({"list": [1, 2]}, {"list": (1, 2)}),
    ],
)
def test_what_helm_reads_the_same_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """An edit that changes nothing relaunches nothing."""
    assert digest(CHART, one) == digest(CHART, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"version": "1.10"}, {"version": "1.1"}),
        ({"version": "1"}, {"version": 1}),
        ({"on": True}, {"on": 1}),
        ({"on": False}, {"on": None}),
        ({"a": None}, {}),
        ({"a": []}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": {"b": 1}}, {"a.b": 1}),
        ({"a": 9007199254740993}, {"a": 9007199254740992}),
        ({"ä": 1}, {"a\u0308": 1}),
    ],
)
def test_what_helm_reads_differently_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Every edit that may change an experiment makes the old one stale."""
    assert digest(CHART, one) != digest(CHART, other)


@pytest.mark.parametrize(
    "chart",
    [
        ChartRef(name="iter8"),
        ChartRef(name="experiment", version="1.1"),
        ChartRef(name="experiment", version="1.10"),
        ChartRef(name="experiment", repo="oci://charts.example"),
    ],
)
def test_the_chart_counts(chart: ChartRef) -> None:
    """Another chart, version or repository makes the experiment stale even with the same values."""
    others = {digest(CHART, {}), digest(ChartRef(name="experiment", version="2"), {})}

    assert digest(chart, {}) not in others


@given(values=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_trip_through_the_api_server_changes_nothing(values: dict[str, Any]) -> None:
    """What comes back from JSON has the digest of what went in."""
    assert digest(CHART, json.loads(json.dumps(values))) == digest(CHART, values)


def deep(levels: int) -> Any:
    """Lists in lists."""
    value: Any = "secret"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"http": {"qps": float("nan")}}, "values.http.qps"),
        ({"a": [1, float("inf")]}, "values.a[1]"),
        ({"day": dt.date(2026, 1, 1)}, "values.day"),
        ({"blob": b"secret"}, "values.blob"),
        ({"errors": {500: "secret"}}, "values.errors has the key 500"),
        ({"tags": {"secret"}}, "values.tags"),
        ({"big": 10**400}, "values.big"),
        ({"deep": deep(5000)}, "nested more than 64 deep"),
    ],
)
def test_values_that_json_cannot_say_are_refused(values: dict[str, Any], place: str) -> None:
    """The error names the place, and never a value, which may be a secret."""
    with pytest.raises(ConfigurationError) as refused:
        digest(CHART, values)

    assert place in refused.value.message
    assert "'secret'" not in refused.value.advice
