"""How an experiment stands: what its runner says comes first, and no run without data is ever a Pass."""

from datetime import timedelta

import pytest

from autox.kube.objects import Object, metadata, timestamp
from autox.model.refs import CRON_JOBS, EVENTS, EXPERIMENTS, JOBS, PODS
from autox.model.verdict import Phase, Verdict
from tests.controller.scene import Scene
from tests.integration.objects import pod, shell

pytestmark = pytest.mark.integration


async def launched(scene: Scene) -> str:
    """An experiment that was launched; its name."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    return scene.running()[0]


async def runner_says(scene: Scene, name: str, **fields: object) -> None:
    """Apply the runner's fields of a record's status, as the runner does."""
    names = {"name": name, "namespace": scene.namespace}
    body: Object = {"metadata": names, "status": fields}
    await scene.kube.apply(EXPERIMENTS, body, field_manager="autox-runner", subresource="status")


async def job(scene: Scene, name: str, **status: object) -> None:
    """A Job as the chart makes it, with a status as the Job controller writes it."""
    labels = {"app.kubernetes.io/instance": name}
    template = {"spec": {"restartPolicy": "Never", "containers": [shell("exit 1")]}}
    names = {"name": name, "namespace": scene.namespace, "labels": labels}
    await scene.kube.apply(JOBS, {"metadata": names, "spec": {"template": template}}, field_manager="helm")
    if status:
        await scene.kube.patch(JOBS, name, {"status": status}, namespace=scene.namespace, subresource="status")


async def status_of(scene: Scene, name: str) -> Object:
    """The status of a record."""
    status: Object = (await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace))["status"]
    return status


async def test_the_runners_verdict_completes_the_experiment(scene: Scene) -> None:
    """Phase, conditions, the group's list and Events follow from it; the runner's own fields stay as they are."""
    name = await launched(scene)
    await job(scene, name)
    theirs = {
        "verdict": "Fail",
        "startedAt": timestamp(scene.now),
        "completedAt": timestamp(scene.now),
        "loops": 1,
        "totals": {"Fail": 1},
        "tasks": {"done": 2, "total": 2},
        "result": {"reason": "SLONotMet", "message": "http/latency-p99 is 90 ms and must not exceed 50 ms"},
    }
    await runner_says(scene, name, **theirs)
    assert await scene.look() is None

    status = await status_of(scene, name)
    assert {field: status[field] for field in theirs} == theirs
    assert (status["phase"], status["reason"]) == ("Completed", "SLONotMet")
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Launched": "True", "Completed": "True", "Passed": "False",
    }  # fmt: skip
    assert (await scene.status())["experiments"] == [
        {"spec": "quick", "name": name, "phase": "Completed", "verdict": "Fail"}
    ]
    assert ("Warning", "SLONotMet", theirs["result"]["message"]) in await scene.events("Experiment")  # type: ignore[index]

    await scene.trigger(version="2")
    await scene.look()
    status = await status_of(scene, name)
    assert {field: status[field] for field in theirs} == theirs
    assert status["phase"] == "Deleted"
    assert {each["type"]: each["status"] for each in status["conditions"]}["Passed"] == "False"


async def test_a_pass_can_be_waited_for(scene: Scene) -> None:
    """``kubectl wait --for=condition=Passed`` ends when the runner says Pass."""
    name = await launched(scene)
    await job(scene, name)
    await runner_says(scene, name, verdict="Pass", completedAt=timestamp(scene.now), loops=1)
    await scene.look()

    conditions = {each["type"]: each["status"] for each in (await status_of(scene, name))["conditions"]}
    assert conditions == {"Launched": "True", "Completed": "True", "Passed": "True"}


async def test_a_job_that_fails_without_a_word_is_an_error(scene: Scene) -> None:
    """After a moment's grace the controller gives the verdict Error, with what the container's end says."""
    name = await launched(scene)
    ended = timestamp(scene.now)
    failed = [
        {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often",
         "lastProbeTime": ended, "lastTransitionTime": ended}
        for kind in ("FailureTarget", "Failed")
    ]  # fmt: skip
    await job(scene, name, failed=1, conditions=failed, startTime=ended)
    dead = pod("one", shell("exit 1"))
    dead["metadata"] = {"name": f"{name}-x", "namespace": scene.namespace, "labels": {"job-name": name}}
    await scene.kube.create(PODS, dead)
    terminated = {"exitCode": 3, "message": "no plan at /etc/autox"}
    state = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0,
             "state": {"terminated": terminated}}  # fmt: skip
    await scene.kube.patch(
        PODS, f"{name}-x", {"status": {"phase": "Failed", "containerStatuses": [state]}},
        namespace=scene.namespace, subresource="status",
    )  # fmt: skip

    again = await scene.look()
    assert again is not None
    assert again <= 5
    assert "verdict" not in await status_of(scene, name)
    scene.now += timedelta(seconds=6)
    assert await scene.look() is None
    status = await status_of(scene, name)
    assert (status["phase"], status["verdict"], status["reason"]) == ("Completed", "Error", "BackoffLimitExceeded")
    log = f"kubectl logs -n {scene.namespace} {name}-x"
    assert status["message"].endswith(f": the container ended with exit code 3: no plan at /etc/autox; its log: {log}")

    await scene.trigger(version="2")
    await scene.look()
    assert (await scene.by_version())["1"].verdict is Verdict.ERROR


async def test_a_late_result_wins_over_the_controllers_verdict(scene: Scene) -> None:
    """The controller's Error was a stopgap: what the runner says later is the verdict, and its reason is told."""
    name = await launched(scene)
    scene.now += timedelta(seconds=60)
    await scene.look()
    assert (await scene.by_version())["1"].verdict is Verdict.NO_DATA
    result = {"reason": "SLOsMet", "message": "all SLOs are met"}
    await runner_says(scene, name, verdict="Pass", completedAt=timestamp(scene.now), loops=1, result=result)
    await scene.look()

    status = await status_of(scene, name)
    assert (status["verdict"], status["reason"], status["phase"]) == ("Pass", "SLOsMet", "Completed")
    owners = {
        each["manager"]
        for each in metadata(await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace))["managedFields"]
        if "f:verdict" in each["fieldsV1"].get("f:status", {})
    }
    assert owners == {"autox-runner"}


async def test_a_pod_that_does_not_start_is_told(scene: Scene) -> None:
    """Why it waits stands in the record and in an Event while it waits."""
    name = await launched(scene)
    await job(scene, name, active=1, ready=0, startTime=timestamp(scene.now))
    waiting = pod("one", shell("exit 0"))
    waiting["metadata"] = {"name": f"{name}-x", "namespace": scene.namespace, "labels": {"job-name": name}}
    await scene.kube.create(PODS, waiting)
    why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    await scene.kube.patch(
        PODS, f"{name}-x", {"status": {"conditions": [why]}}, namespace=scene.namespace, subresource="status"
    )
    assert await scene.look() is not None

    status = await status_of(scene, name)
    assert (status["phase"], status["reason"]) == ("Running", "PodWaiting")
    assert "0/1 nodes are available" in status["message"]
    assert "PodWaiting" in [reason for _, reason, _ in await scene.events("Experiment")]


async def test_a_volume_that_is_missing_is_told(scene: Scene) -> None:
    """Only the node's Events name the Secret that a pod waits for; whoever reads the record should not have to."""
    name = await launched(scene)
    await job(scene, name, active=1, ready=0, startTime=timestamp(scene.now))
    waiting = pod("one", shell("exit 0"))
    waiting["metadata"] = {"name": f"{name}-x", "namespace": scene.namespace, "labels": {"job-name": name}}
    uid = metadata(await scene.kube.create(PODS, waiting))["uid"]
    event = {
        "metadata": {"generateName": "e-", "namespace": scene.namespace},
        "involvedObject": {"kind": "Pod", "name": f"{name}-x", "namespace": scene.namespace, "uid": uid},
        "type": "Warning",
        "reason": "FailedMount",
        "message": 'secret "cluster-b" not found',
        "lastTimestamp": timestamp(scene.now),
    }
    await scene.kube.create(EVENTS, event)
    await scene.look()

    status = await status_of(scene, name)
    assert (status["phase"], status["reason"]) == ("Running", "PodWaiting")
    assert status["message"].endswith('does not start: FailedMount: secret "cluster-b" not found')


async def test_a_cron_job_goes_on_after_each_loop(scene: Scene) -> None:
    """The latest loop's verdict stands in the record, and the experiment is Running until its version is stale."""
    name = await launched(scene)
    spec = {
        "schedule": "* * * * *",
        "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [shell("exit 0")]}}}},
    }
    names = {"name": name, "namespace": scene.namespace, "labels": {"app.kubernetes.io/instance": name}}
    await scene.kube.create(CRON_JOBS, {"metadata": names, "spec": spec})
    await scene.look()
    assert (await status_of(scene, name))["reason"] == "Scheduled"
    await runner_says(scene, name, verdict="Pass", completedAt=timestamp(scene.now), loops=1)
    await scene.look()

    record = (await scene.by_version())["1"]
    assert (record.phase, record.verdict) == (Phase.RUNNING, Verdict.PASS)
    conditions = {each["type"]: each["status"] for each in (await status_of(scene, name))["conditions"]}
    assert conditions == {"Launched": "True", "Completed": "False", "Passed": "True"}


async def test_a_group_that_was_broken_does_not_lose_the_verdict(scene: Scene) -> None:
    """An edit that makes no sense launches and deletes nothing, and the experiment that runs comes to its end."""
    name = await launched(scene)
    await job(scene, name)
    await scene.group(specs={"quick": {"name": "experiment", "values": {"tasks": ["nonsense"]}}})
    await runner_says(scene, name, verdict="Pass", completedAt=timestamp(scene.now), loops=1)
    await scene.look()

    record = (await scene.by_version())["1"]
    assert (record.phase, record.verdict, scene.running()) == (Phase.COMPLETED, Verdict.PASS, [name])
    assert (await scene.conditions())["Stalled"][0] == "True"


@pytest.mark.parametrize("of", ["Helm", "CronJob"])
async def test_the_job_of_a_foreign_chart_is_found(scene: Scene, of: str) -> None:
    """Without the label that our charts put on Jobs, one that failed was "no Job, its runner may be none": no data."""
    chart = {"name": "iter8", "version": "0.14.0", "repo": "https://charts.invalid", "values": {}}
    await scene.group(specs={"quick": chart})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    (name,) = scene.running()
    notes = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": scene.namespace}
    helms = {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": notes, "namespace": scene.namespace}
    template = {"template": {"spec": {"restartPolicy": "Never", "containers": [shell("exit 1")]}}}
    own: Object = {**helms, "name": "load-1-job"}
    if of == "CronJob":
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": template}}
        cron = await scene.kube.create(CRON_JOBS, {"metadata": {**helms, "name": "load"}, "spec": spec})
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "load", "uid": metadata(cron)["uid"]}
        own = {"name": "load-1-job", "namespace": scene.namespace, "ownerReferences": [owner]}
    await scene.kube.create(JOBS, {"metadata": own, "spec": template})
    # Those of others do not count.
    other = {"annotations": {**notes, "meta.helm.sh/release-name": "other"}, "name": "other"}
    await scene.kube.create(JOBS, {"metadata": {**helms, **other}, "spec": template})
    ended = timestamp(scene.now)
    failed = [
        {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often",
         "lastProbeTime": ended, "lastTransitionTime": ended}
        for kind in ("FailureTarget", "Failed")
    ]  # fmt: skip
    status = {"failed": 1, "conditions": failed, "startTime": ended}
    await scene.kube.patch(JOBS, "load-1-job", {"status": status}, namespace=scene.namespace, subresource="status")
    scene.now += timedelta(seconds=40)
    await scene.look()

    said = await status_of(scene, name)
    assert (said["verdict"], said["reason"]) == ("Error", "BackoffLimitExceeded")
    assert said["phase"] == ("Running" if of == "CronJob" else "Completed")
