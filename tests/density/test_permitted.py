"""A drain and profiles with exactly the rights that `autox density credentials` gives, and what is said without one."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autox.api.experimentdocument import load_experiment
from autox.kube.access import can, can_read
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import ForbiddenError
from autox.model.refs import CLUSTER_ROLES, NODES, PODS, Resource
from autox.tasks.density.rights import NAME, PROFILES
from autox.tasks.density.task import run as load
from tests.clusters import LocalCluster, run
from tests.density.conftest import context_on, left_behind
from tests.forking import AUTOX
from tests.integration.autox.scene import eventually

pytestmark = pytest.mark.integration

DRAIN = {"preset": {"name": "node-drain", "pods": 6, "cycles": 1}, "nodes": 2, "timeout": "120s"}
PROFILED = {"profiles": {"at": ["end"], "cpu": "1s"}}


async def test_a_drain_and_profiles_take_what_is_printed(
    cluster: LocalCluster, own: KubeClient, said: list[str], place: str, tmp_path: Path
) -> None:
    """Nodes are drained and the API server is profiled; without one right it is named, and nothing is made of the load.

    Profiles are no part of the load: without the right to them there is none, and a note says why.
    """
    key = tmp_path / "b"
    document = tmp_path / "experiment.json"
    asked = {"kubeconfig": str(key), **DRAIN, **PROFILED}
    document.write_text(json.dumps({"tasks": [{"task": "density", "with": asked}]}))
    argv = ("--cluster", cluster.name, "-n", place, "-f", str(document), "--file", str(key))
    made = run(*AUTOX, "density", "credentials", *argv, environ=cluster.environ)
    assert made.code == 0, made.err
    [spec] = load_experiment(document)
    inputs = spec.inputs
    assert isinstance(inputs, DensityInputs)
    role = f"{NAME}:{place}"

    async with KubeClient(from_kubeconfig(key)) as theirs:
        findings = await load(inputs, context_on(None, said))
        said.clear()
        refused = []
        for verb, resource, part in (("patch", NODES, ""), ("create", PODS, "eviction")):
            async with without(own, role, verb, f"{resource.plural}/{part}".rstrip("/")):
                await eventually("a refusal", partial(may_not, theirs, verb, resource, part))
                with pytest.raises(ForbiddenError) as caught:
                    await load(inputs, context_on(None, said))
            refused.append(caught.value.message)
        async with without(own, role, "get", PROFILES):
            await eventually("a refusal", partial(may_not, theirs, "get", None, PROFILES))
            unprofiled = await load(replace(inputs, churn=None), context_on(None, said))

    found = {each.name: each.value for each in findings.metrics}
    assert all(found[each.metric] == each.limit for each in findings.demands), found
    assert found["density/churned-nodes"] == 1
    assert {(each.component, each.kind) for each in findings.profiles} == {("apiserver", "cpu"), ("apiserver", "heap")}
    assert [each.partition(": ")[2] for each in refused] == [
        "churn may not patch nodes",
        "churn may not create pods/eviction",
    ]
    assert unprofiled.profiles == ()
    why = sorted(note.text for note in unprofiled.notes if note.text.startswith("no profile of apiserver ("))
    assert len(why) == 2
    for each, path in zip(why, ("profile", "heap"), strict=True):
        assert f'"system:serviceaccount:{place}:{NAME}" cannot get path "/debug/pprof/{path}"' in each
    assert left_behind(cluster) == []


async def may_not(theirs: KubeClient, verb: str, resource: Resource | None, part: str) -> bool:
    """Whether the API server has learnt that this is refused: a verb on a part of a resource, or on a path."""
    if resource is None:
        return not await can_read(theirs, part)
    return not await can(theirs, verb, resource, subresource=part or None)


@asynccontextmanager
async def without(own: KubeClient, role: str, verb: str, what: str) -> AsyncIterator[None]:
    """A cluster role without one verb on a resource or a path; it is as it was afterwards."""
    whole = (await own.get(CLUSTER_ROLES, role))["rules"]
    rules = [_less(each, verb, what) for each in whole]
    assert rules != whole
    await own.patch(CLUSTER_ROLES, role, {"rules": [each for each in rules if each]})
    try:
        yield
    finally:
        await own.patch(CLUSTER_ROLES, role, {"rules": whole})


def _less(rule: dict[str, Any], verb: str, what: str) -> dict[str, Any]:
    key = "resources" if "resources" in rule else "nonResourceURLs"
    if verb not in rule["verbs"] or what not in rule[key] or rule.get("resourceNames"):
        return rule
    if key == "nonResourceURLs":
        left = [each for each in rule[key] if each != what]
        return {**rule, key: left} if left else {}
    verbs = [each for each in rule["verbs"] if each != verb]
    return {**rule, "verbs": verbs} if verbs else {}
