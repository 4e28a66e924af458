"""Values from several sources become one, as with several -f files of Helm."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.merging import merge_values, without_nulls
from autox.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("layers", "merged"),
    [
        ([], {}),
        ([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}),
        ([{"a": 1}, {"a": 2}], {"a": 2}),
        ([{"http": {"url": "u", "qps": 1}}, {"http": {"qps": 2}}], {"http": {"url": "u", "qps": 2}}),
        ([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}),
        ([{"a": {"b": 1}}, {"a": None}], {"a": None}),
        ([{"a": None}, {"a": {"b": 1}}], {"a": {"b": 1}}),
        ([{"a": {"b": 1}}, {"a": "word"}], {"a": "word"}),
        ([{"a": "word"}, {"a": {"b": 1}}], {"a": {"b": 1}}),
        ([{"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 2}}}, {"a": {"b": {"c": 3}}}], {"a": {"b": {"c": 3, "d": 2}}}),
    ],
)
def test_later_values_win_key_by_key(layers: list[dict[str, Any]], merged: dict[str, Any]) -> None:
    """Maps merge, everything else is replaced, and null stays, since it takes a default of the chart away."""
    assert merge_values(layers) == merged


LAYERS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(st.none() | st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)),
)


@given(first=LAYERS, second=LAYERS, third=LAYERS)
def test_merging_in_steps_is_merging_at_once(first: Any, second: Any, third: Any) -> None:
    """The order of sources matters, and nothing else about how they are put together."""
    assert merge_values([merge_values([first, second]), third]) == merge_values([first, second, third])


def test_sources_stay_as_they_are() -> None:
    """A group's values are shared with its cache: merging never changes them, nor does a change of the outcome."""
    below, above = {"http": {"qps": 1, "headers": {"a": "1"}}}, {"http": {"qps": 2}}

    merge_values([below, above])["http"]["headers"]["a"] = "changed"

    assert below == {"http": {"qps": 1, "headers": {"a": "1"}}}
    assert above == {"http": {"qps": 2}}


def test_endless_nesting_is_refused() -> None:
    """Values that refer to themselves, as YAML can, are an error and not a crash."""
    endless: dict[str, Any] = {}
    endless["again"] = endless

    with pytest.raises(ConfigurationError, match="nested"):
        merge_values([endless])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"http": {"qps": None, "url": "u"}}, {"http": {"url": "u"}}),
        ({"http": None, "tasks": ["ready"]}, {"tasks": ["ready"]}),
        ({"http": {"headers": {"A": None}}}, {"http": {"headers": {}}}),
        ({"list": [None, {"a": None}]}, {"list": [None, {"a": None}]}),
    ],
)
def test_null_takes_away(values: dict[str, Any], told: dict[str, Any]) -> None:
    """A key that is null, at any depth, is as good as one that is not there; a list is one value."""
    assert without_nulls(values) == told
