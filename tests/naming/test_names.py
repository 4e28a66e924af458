"""Names of experiments: readable, short enough for a CronJob, and never the same for two experiments."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.naming import experiment_name
from autox.model.experiments import Identity
from autox.model.refs import ObjectRef

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
WEB = ObjectRef(group="apps", version="v1", resource="deployments", namespace="default", name="web")


def identity(group: str = "web", spec: str = "http", **others: Any) -> Identity:
    """An experiment."""
    given_: dict[str, Any] = {"group_namespace": "autox", "trigger_uid": "u", "version": "1", "digest": "d"} | others
    return Identity(group=group, spec=spec, trigger=WEB, **given_)


def test_a_name_begins_with_what_people_know() -> None:
    """The group and the spec can be read in the name of every Job and release."""
    assert re.fullmatch(r"httpbin-iter8-[0-9a-f]{10}", experiment_name(identity("httpbin", "iter8")))


def test_a_name_is_the_same_after_every_restart() -> None:
    """The name of an experiment depends on nothing but what it tests: an upgrade of autox must not change it."""
    assert experiment_name(identity()) == "web-http-7e3993ad9e"


def test_dashes_do_not_make_two_experiments_one() -> None:
    """Group a-b with spec c and group a with spec b-c read alike and are two."""
    assert experiment_name(identity("a-b", "c")) != experiment_name(identity("a", "b-c"))


def test_cutting_does_not_make_two_experiments_one() -> None:
    """Names too long for Kubernetes are cut, and differ where the cut-off ends differ."""
    long = [experiment_name(identity("g" * 62 + end, "s" * 39 + end)) for end in "ab"]

    assert len(set(long)) == 2
    assert {len(name) for name in long} == {52}


def test_a_short_word_leaves_its_room_to_the_long_one() -> None:
    """As much of the names is kept as fits."""
    assert experiment_name(identity("web", "s" * 40)).startswith("web-" + "s" * 37 + "-")
    assert experiment_name(identity("g" * 63, "http")).startswith("g" * 36 + "-http-")


CHANGES: dict[str, Any] = {
    "group_namespace": "other",
    "group": "other",
    "spec": "other",
    "trigger": replace(WEB, name="other"),
    "trigger_uid": "other",
    "version": "1.0",
    "digest": "other",
    "revision": 2,
}


@pytest.mark.parametrize("field", [field.name for field in fields(Identity)])
def test_everything_that_makes_an_experiment_another_one_changes_its_name(field: str) -> None:
    """Two experiments that differ in anything never share a release."""
    assert experiment_name(replace(identity(), **{field: CHANGES[field]})) != experiment_name(identity())


TEXT = st.text(max_size=70)


@given(first=st.tuples(TEXT, TEXT), second=st.tuples(TEXT, TEXT))
def test_any_text_makes_a_dns_label(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Whatever a group and a spec are called, the API server accepts the name, and it is theirs alone."""
    names = [experiment_name(identity(*each)) for each in (first, second)]

    assert all(LABEL.fullmatch(name) and len(name) <= 52 for name in names)
    assert (names[0] == names[1]) == (first == second)
