"""What a user wrote as an ExperimentGroup becomes a frozen value, or an error that names the field."""

from copy import deepcopy

import pytest

from autox.api.groups import group_from_object
from autox.model.errors import ConfigurationError
from autox.model.groups import ExperimentGroup, ExperimentSpec, OptIn, Retest, ValuesKind
from autox.model.refs import ObjectRef
from tests.api.samples import IN_VALUES, SPEC, VALUES, Mistake, Object, changed, group


def test_documented_group() -> None:
    """The documented group of Iter8 AutoX is understood, with the defaults for everything it does not say."""
    found = group_from_object(group())

    assert found == ExperimentGroup(
        namespace="default",
        name="httpbin",
        uid="",
        generation=0,
        trigger=ObjectRef(group="apps", version="v1", resource="deployments", namespace="default", name="httpbin"),
        specs=found.specs,
    )
    assert [(spec.name, spec.chart.name, spec.chart.version) for spec in found.specs] == [("iter8", "iter8", "0.13.0")]
    assert found.specs[0].values == VALUES


def test_specs_are_sorted() -> None:
    """However the specs are written down, they come in one order."""
    spec: Object = {"name": "experiment", "values": VALUES}
    found = group_from_object(group(changed(SPEC, "specs", {"b": spec, "a": spec, "c": spec})))

    assert [each.name for each in found.specs] == ["a", "b", "c"]


def test_everything_said() -> None:
    """What a group says is used in place of the defaults."""
    spec = {
        **SPEC,
        "optIn": {"label": "example.com/test", "value": "yes"},
        "version": {"label": "example.com/version"},
        "suspend": True,
        "history": {"limit": 3},
    }
    found = group_from_object(group(spec))

    assert found.opt_in == OptIn(label="example.com/test", value="yes")
    assert found.version_label == "example.com/version"
    assert found.suspend
    assert found.history_limit == 3


def test_a_group_may_ask_for_no_label() -> None:
    """The word none switches the opt-in off; nothing and null are the usual label, as in every other field."""
    assert group_from_object(group({**SPEC, "optIn": "none"})).opt_in is None
    assert group_from_object(group({**SPEC, "optIn": {}})).opt_in == OptIn()
    assert group_from_object(group({**SPEC, "optIn": None})).opt_in == OptIn()
    assert group_from_object(group(SPEC)).retest is Retest.ON_TEMPLATE_CHANGE
    assert group_from_object(group({**SPEC, "retest": "never"})).retest is Retest.NEVER


def test_values_from_elsewhere() -> None:
    """Values that are incomplete are accepted where the rest stands in a Secret: only all together can be checked."""
    partial = changed(SPEC, "specs.iter8.values.http", None)
    found = group_from_object(group(changed(partial, "specs.iter8.valuesFrom", [{"kind": "Secret", "name": "s"}])))

    assert [(each.kind, each.name, each.key) for each in found.specs[0].values_from] == [
        (ValuesKind.SECRET, "s", "values.yaml")
    ]


def test_chart_from_elsewhere() -> None:
    """The values of a chart that is not ours are its own business."""
    elsewhere: Object = {"name": "k6", "version": "1.10", "repo": "https://example.com/charts", "values": {"vus": 3}}
    [found] = group_from_object(group(changed(SPEC, "specs", {"k6": elsewhere}))).specs

    assert isinstance(found, ExperimentSpec)
    assert (found.chart.name, found.chart.version, found.chart.repo) == ("k6", "1.10", "https://example.com/charts")
    assert found.values == {"vus": 3}


@pytest.mark.parametrize("path", ["http.qps", "http.numRequests", "cronjobSchedule", "image", "image.tag", "resources"])
def test_null_is_absent(path: str) -> None:
    """What Helm's users took away with null is not there; it was called a mistake, "want number or string"."""
    *way, last = path.split(".")
    values = deepcopy(VALUES)
    place = values
    for step in way:
        place = place.setdefault(step, {})
    place[last] = None

    assert group_from_object(group(changed(SPEC, "specs.iter8.values", values))).specs


@pytest.mark.parametrize("mistake", IN_VALUES.values(), ids=IN_VALUES)
def test_mistake_in_values(mistake: Mistake) -> None:
    """A mistake in the values of a spec is told with the spec and the field."""
    with pytest.raises(ConfigurationError) as caught:
        group_from_object(group(changed(SPEC, "specs.iter8.values", mistake.values)))

    assert "experimentgroup default/httpbin: spec.specs.iter8.values" in caught.value.message
    assert mistake.named in caught.value.message


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("specs", {}, "spec.specs"),
        ("specs", None, "spec.specs"),
        ("specs", {"Load": {"name": "iter8", "values": VALUES}}, "'Load'"),
        ("specs", {"x" * 41: {"name": "iter8", "values": VALUES}}, "spec.specs"),
        ("trigger", None, "spec.trigger"),
        ("trigger.resource", None, "spec.trigger.resource"),
        ("trigger.resource", "Deployment", "spec.trigger.resource"),
        ("trigger.name", "", "spec.trigger.name"),
        ("trigger.namespace", None, "spec.trigger.namespace"),
        ("trigger.kind", "Deployment", "spec.trigger.kind"),
        ("optIn", {"value": True}, "spec.optIn.value"),
        ("optIn", {"label": "no label"}, "spec.optIn.label"),
        ("optIn", "never", "spec.optIn"),
        ("optIn", False, "spec.optIn"),
        ("optIn", ["none"], "spec.optIn"),
        ("retest", "always", "spec.retest"),
        ("version", {"label": ""}, "spec.version.label"),
        ("history", {"limit": -1}, "spec.history.limit"),
        ("specs.iter8.name", "iter9", "spec.specs.iter8.name"),
        ("specs.iter8.name", None, "spec.specs.iter8.name"),
        ("specs.iter8.version", 0.13, "spec.specs.iter8.version"),
        ("specs.iter8.repo", "file:///charts", "spec.specs.iter8.repo"),
        ("specs.iter8.valuesFrom", [{"kind": "Pod", "name": "x"}], "spec.specs.iter8.valuesFrom[0].kind"),
        ("specs.iter8.values", ["tasks"], "spec.specs.iter8.values"),
    ],
)
def test_mistake_in_group(path: str, value: object, field: str) -> None:
    """A mistake in the group itself is told with the field."""
    with pytest.raises(ConfigurationError) as caught:
        group_from_object(group(changed(SPEC, path, value)))

    assert field in caught.value.message


def test_another_version_of_our_chart() -> None:
    """The chart `experiment` comes with autox: another version of it cannot be had."""
    spec = changed(changed(SPEC, "specs.iter8.name", "experiment"), "specs.iter8.version", "9.9.9")

    with pytest.raises(ConfigurationError, match=r"spec\.specs\.iter8\.version.*9\.9\.9"):
        group_from_object(group(spec))


def test_name_too_long() -> None:
    """A name that does not fit into a label is refused."""
    with pytest.raises(ConfigurationError, match=r"metadata\.name"):
        group_from_object(group(name="x" * 64))


@pytest.mark.parametrize("spec", [None, [], "spec", 7, {"specs": {"a": None}}])
def test_no_group_at_all(spec: object) -> None:
    """Whatever else stands in place of a spec is a mistake, never a crash."""
    with pytest.raises(ConfigurationError):
        group_from_object({"metadata": {"namespace": "default", "name": "g"}, "spec": spec})


def test_no_secrets_in_errors() -> None:
    """An error about a header or a URL says where, and repeats nothing of it."""
    values = changed(VALUES, "http", {"url": "hunter2@host", "headers": {"Authorization": "hunter2\n"}})

    with pytest.raises(ConfigurationError) as caught:
        group_from_object(group(changed(SPEC, "specs.iter8.values", values)))

    assert "Authorization" in caught.value.message
    assert "hunter2" not in caught.value.message
