"""Task ``ready`` on a real cluster: real rollouts, real permissions."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from autox.core.experiments.workloadpods import label_selector
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, DeadlineError, ForbiddenError, PermanentError
from autox.model.refs import PODS, ObjectRef
from autox.model.tasks import ReadyInputs, ReadyObject
from autox.tasks.context import TaskContext
from autox.tasks.ready import run
from tests.clusters import LocalCluster
from tests.integration.objects import Object, deployment, service, shell
from tests.ready_task.conftest import context_with

pytestmark = pytest.mark.integration

PATIENCE = 60.0


def web(version: str, *, replicas: int = 2) -> Object:
    """A Deployment that needs a moment to end its pods, so that an old one is seen leaving."""
    script = "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done"
    made = deployment("web", shell(script, env=[{"name": "VERSION", "value": version}]), replicas=replicas)
    made["metadata"]["labels"] = {"app.kubernetes.io/version": version}
    return made


def apply(cluster: LocalCluster, place: str, *objects: Object) -> None:
    """Apply objects in the test's namespace."""
    cluster.apply(*({**each, "metadata": {**each["metadata"], "namespace": place}} for each in objects))


async def test_load_waits_until_the_last_old_pod_has_gone(
    cluster: LocalCluster, place: str, context: TaskContext, said: list[str]
) -> None:
    """After a rolling update the task returns when only pods of the new version are left, and names them."""
    assert context.kube is not None
    apply(cluster, place, web("1"), service("web", port=80, target=8080))
    inputs = ReadyInputs(deploy="web", service="web", timeout=PATIENCE)
    first = await run(inputs, context)
    before = {each["metadata"]["uid"] for each in (await context.kube.list(PODS, namespace=place)).items}

    apply(cluster, place, web("2"))
    second = await run(inputs, context)

    after = {each["metadata"]["uid"] for each in (await context.kube.list(PODS, namespace=place)).items}
    assert first.message.startswith("deployment web: 2 pods of version 1; service web: 2 endpoints ready after ")
    assert second.message.startswith("deployment web: 2 pods of version 2; ")
    assert [note.text for note in second.notes] == ["images: busybox"]
    assert len(after) == 2
    assert not before & after
    assert any("of another version is still ending" in line for line in said)


async def test_a_timeout_of_nothing_looks_once(cluster: LocalCluster, place: str, context: TaskContext) -> None:
    """What is there already is found however short the time, and what is not is named."""
    elsewhere = service("elsewhere", port=80, target=80)
    elsewhere["spec"] = {"type": "ExternalName", "externalName": "example.com"}
    apply(cluster, place, service("web", port=80, target=8080), elsewhere)

    found = await run(ReadyInputs(service="elsewhere", timeout=0.0), context)
    with pytest.raises(DeadlineError) as failed:
        await run(ReadyInputs(deploy="web", service="web", timeout=0.0), context)

    assert found.message.startswith("service elsewhere ready after 0.")
    assert "deployment web: it does not exist in namespace" in failed.value.message
    assert "service web: it has no endpoints" in failed.value.message


async def test_a_pod_that_cannot_start_is_named(cluster: LocalCluster, place: str, context: TaskContext) -> None:
    """The failure says which pod waits for what."""
    bad = deployment("web", {"name": "main", "image": "registry.invalid/nothing:1"}, replicas=1)
    apply(cluster, place, bad)

    with pytest.raises(DeadlineError) as failed:
        await run(ReadyInputs(deploy="web", timeout=3.0), context)

    assert "0 of 1 updated pods available; pod web-" in failed.value.message
    assert "is waiting: " in failed.value.message


async def test_a_rollout_past_its_deadline_fails_before_the_time_is_up(
    cluster: LocalCluster, place: str, context: TaskContext
) -> None:
    """The task does not sit out its own timeout when Kubernetes has given the rollout up."""
    bad = deployment("web", {"name": "main", "image": "registry.invalid/nothing:1"}, replicas=1)
    bad["spec"]["progressDeadlineSeconds"] = 1
    apply(cluster, place, bad)

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PermanentError, match="exceeded its progress deadline"):
            await run(ReadyInputs(deploy="web", timeout=3600.0), context)


async def test_a_paused_rollout_fails_at_once(cluster: LocalCluster, place: str, context: TaskContext) -> None:
    """Nobody waits for a rollout that somebody has stopped."""
    apply(cluster, place, web("1", replicas=1))
    await run(ReadyInputs(deploy="web", timeout=PATIENCE), context)
    cluster.kubectl("-n", place, "rollout", "pause", "deployment/web")
    apply(cluster, place, web("2", replicas=1))

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PermanentError, match="rollout is paused"):
            await run(ReadyInputs(deploy="web", timeout=3600.0), context)


async def test_any_object_with_a_condition(cluster: LocalCluster, place: str, context: TaskContext) -> None:
    """Objects of any resource are waited for: by being there, or by a condition in any case of its name."""
    apply(cluster, place, web("1", replicas=1))
    ref = ObjectRef(group="apps", version="v1", resource="deployments", namespace=place, name="web")
    missing = replace(ref, version="v9")

    found = await run(
        ReadyInputs(objects=(ReadyObject(ref=ref, condition="available"), ReadyObject(ref=ref)), timeout=PATIENCE),
        context,
    )
    with pytest.raises(DeadlineError, match="it does not exist"):
        await run(ReadyInputs(objects=(ReadyObject(ref=missing),), timeout=0.1), context)

    assert f"deployments.apps/{place}/web: Available; deployments.apps/{place}/web ready after" in found.message


async def test_an_object_is_where_the_experiment_is(cluster: LocalCluster, place: str, context: TaskContext) -> None:
    """An object whose namespace nobody said is looked for in the experiment's own, as the schema tells."""
    apply(cluster, place, web("1", replicas=1))
    ref = ObjectRef(group="apps", version="v1", resource="deployments", namespace="", name="web")

    found = await run(ReadyInputs(objects=(ReadyObject(ref=ref),), timeout=PATIENCE), context)

    assert f"deployments.apps/{place}/web ready after" in found.message


async def test_a_missing_permission_is_named_at_once(
    cluster: LocalCluster, place: str, tmp_path: Path, said: list[str]
) -> None:
    """The failure says what may not be done, and does not wait for the timeout."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": f"system:serviceaccount:{place}:nobody"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube, asyncio.timeout(PATIENCE):
        with pytest.raises(ForbiddenError) as failed:
            await run(ReadyInputs(deploy="web", timeout=3600.0), context_with(kube, place, said))

    assert 'cannot get resource "deployments"' in failed.value.message
    assert "permission" in failed.value.hint


async def test_without_a_cluster_there_is_nothing_to_wait_for() -> None:
    """A local run that asks for it is told what is missing."""
    with pytest.raises(ConfigurationError, match="needs a cluster"):
        await run(ReadyInputs(deploy="web"), context_with(None, "default", []))


def test_every_kind_of_selector_is_understood() -> None:
    """A Deployment may select its pods by expressions too."""
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "live", "operator": "Exists"},
            {"key": "test", "operator": "DoesNotExist"},
        ],
    }

    assert label_selector(selector) == "app=web,tier in (a,b),zone notin (c),live,!test"
    assert label_selector({}) == ""
