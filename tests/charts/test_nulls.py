"""Null is as good as absent, wherever Helm's users take something away by it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from autox.api.structural import Schema
from autox.api.tasks.table import KINDS
from tests.api.samples import SPEC, VALUES, changed
from tests.charts.places import Name, filled, schema_of
from tests.charts.rendering import AUTOX, EXPERIMENT, helm
from tests.charts.test_names import VARIANTS
from tests.clusters import LocalCluster

pytestmark = pytest.mark.integration

NEEDED = frozenset(
    {
        *("groups", "groups.web", "groups.web.specs.web", "groups.web.specs.web.values", "groups.web.specs.web.repo"),
        *(
            *KINDS,
            "ready.deploy",
            "assess.SLOs.upper",
            "assess.SLOs.upper.http/latency-p99",
            "runner",
            "cronjobSchedule",
        ),
        *("caBundle.configMap", "caBundle.secret", "groups.web.specs.web.values.caBundle.configMap"),
        *("density.cluster", "density.kubeconfigSecret", "install", "server", "kubeconfigSecret"),
    }
)
"""What the rest of the values asks for."""
FROM_VALUES_YAML = frozenset({"resources"})
"""NB: null is nothing here, and absent is what values.yaml says."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_place(cluster: LocalCluster, tmp_path: Path, variant: str) -> None:
    """A chart renders the same with nulls as without what they stand for; "got null, want object" was the answer."""
    chart, model, way = VARIANTS[variant]
    schema = schema_of(model)
    values = filled(schema, Name(text="web", like="web"), way)
    optional = [each for each in _optional(schema, values) if ".".join(each) not in NEEDED | FROM_VALUES_YAML]
    assert optional
    for depth in {len(each) for each in optional}:
        nulls, absent = deepcopy(values), deepcopy(values)
        for *path, last in (each for each in optional if len(each) == depth):
            _at(nulls, path)[last] = None
            del _at(absent, path)[last]
        rendered = [helm(cluster, "template", "a", chart, values=each, folder=tmp_path) for each in (nulls, absent)]
        assert [each.code for each in rendered] == [0, 0], rendered[0].err + rendered[1].err
        assert rendered[0].out == rendered[1].out


def _at(values: Any, path: list[str]) -> Any:
    for step in path:
        values = values[step]
    return values


def _optional(schema: Schema, values: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place in values that need not be there, sections and what is in them."""
    if not isinstance(values, dict):
        return
    for name, each in values.items():
        known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if not isinstance(known, dict):
            continue
        yield from _optional(known, each, (*at, name))
        if name not in schema.get("required", ()):
            yield (*at, name)


LOAD = {"tasks": ["http"], "http": {"url": "http://web/", "qps": 5, "numRequests": 7}, "cronjobSchedule": "@hourly"}


@pytest.mark.parametrize(
    "removed",
    ["http.qps", "http.numRequests", "cronjobSchedule", "image", "image.tag", "logLevel", "resources.limits", "runner"],
)
def test_taken_away_for_good(cluster: LocalCluster, tmp_path: Path, removed: str) -> None:
    """`--set http.qps=null` is accepted, now and at every later upgrade; "want number or string" it was."""
    release = f"nulls-{uuid4().hex[:8]}"
    suspended = {**LOAD, "runner": "cronjob", "cronjobSchedule": "0 0 1 1 *"} if removed == "image" else LOAD
    assert helm(cluster, "template", release, EXPERIMENT, values=suspended, folder=tmp_path).code == 0
    done = helm(cluster, "template", release, EXPERIMENT, "--set", f"{removed}=null", values=suspended, folder=tmp_path)

    assert done.code == 0, done.err
    assert f'"{removed.rpartition(".")[2]}\\":' not in done.out


def test_a_group_is_removed(cluster: LocalCluster, tmp_path: Path) -> None:
    """A group and a spec that were removed by null are gone; no later upgrade was possible for "got null"."""
    namespace = f"nulls-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    spec = changed(SPEC, "trigger.namespace", namespace)
    two = changed(spec, "specs.more", {"name": "experiment", "values": VALUES})
    values = {"groups": {"a": two, "b": spec}, "image": {"repository": "absent"}}
    where = ("--namespace", namespace)
    again = ("upgrade", "autox", AUTOX, *where, "--reuse-values")
    try:
        done = helm(cluster, "install", "autox", AUTOX, *where, values=values, folder=tmp_path)
        assert done.code == 0, done.err
        nulls = ("groups.b=null", "groups.a.specs.more=null", "groups.a.history=null", "groups.a.optIn.label=null")
        # NB: the first time Helm itself ignores them (helm/helm#30765).
        for settings in (nulls, nulls, (), ("logLevel=debug",)):
            done = cluster.helm(*again, *(word for each in settings for word in ("--set", each)))
            assert done.code == 0, done.err

        [left] = cluster.get("xg", *where)["items"]
        assert (left["metadata"]["name"], [*left["spec"]["specs"]]) == ("a", ["iter8"])
        assert left["spec"]["optIn"]["label"] == "iter8.tools/autox"
        assert json.loads(cluster.helm("get", "values", "autox", *where, "-o", "json").out)["groups"]["b"] is None
    finally:
        cluster.helm("uninstall", "autox", "--no-hooks", *where)


@pytest.mark.parametrize("removed", ["tasks", "http", "http.url"])
def test_what_is_needed_is_missed(cluster: LocalCluster, tmp_path: Path, removed: str) -> None:
    """Null where something has to be is refused as the want of it."""
    done = helm(cluster, "template", "a", EXPERIMENT, "--set", f"{removed}=null", values=LOAD, folder=tmp_path)

    assert done.code != 0
    assert f"/{removed.replace('.', '/')}'" in done.err
