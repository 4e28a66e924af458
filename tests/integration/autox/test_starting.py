"""Why a pod never comes: whatever keeps it is told within seconds, and a run that cannot start is ended in time."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from autox.core.experiments.progressing import Progress, Remedy
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, EVENTS, JOBS, PODS, Resource
from autox.model.verdict import Phase, Verdict
from tests.clusters import LocalCluster, run
from tests.integration.autox.jobs import made, standing
from tests.integration.autox.scene import Scene, eventually
from tests.integration.objects import Object, shell
from tests.kube.apiserver import free_port

pytestmark = pytest.mark.integration

QUOTAS = Resource(group="", version="v1", plural="resourcequotas", kind="ResourceQuota")
HOOKS = Resource(
    group="admissionregistration.k8s.io",
    version="v1",
    plural="validatingwebhookconfigurations",
    kind="ValidatingWebhookConfiguration",
    namespaced=False,
)
POLICIES, POLICY_BINDINGS = (
    Resource(group="admissionregistration.k8s.io", version="v1", plural=plural, kind=kind, namespaced=False)
    for plural, kind in (
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    )
)
NO_PODS: Object = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}

MOUNTED = {"containers": [shell("exit 0", volumeMounts=[{"name": "v", "mountPath": "/v"}])]}

REFUSED: dict[str, tuple[Object, str, str]] = {
    "service account": ({"serviceAccountName": "nobody"}, "FailedCreate", 'serviceaccount "nobody" not found'),
    "priority class": ({"priorityClassName": "urgent"}, "FailedCreate", "no PriorityClass with name urgent"),
    "runtime class": ({"runtimeClassName": "gvisor"}, "FailedCreate", 'RuntimeClass "gvisor" not found'),
    "limit": ({"containers": [shell("exit 0", resources={"limits": {"cpu": "9"}})]}, "FailedCreate", "maximum cpu"),
    "pod security": ({"hostNetwork": True}, "FailedCreate", 'violates PodSecurity "baseline:latest"'),
    "no room": (
        {"containers": [shell("exit 0", resources={"requests": {"memory": "9Ti"}})]},
        "Unschedulable",
        "Insufficient memory",
    ),
    "no such node": ({"nodeSelector": {"disk": "fast"}}, "Unschedulable", "didn't match Pod's node affinity/selector"),
    "volume claim": (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
        "Unschedulable",
        'persistentvolumeclaim "data" not found',
    ),
    "scheduling gate": ({"schedulingGates": [{"name": "example.com/later"}]}, "SchedulingGated", ""),
    "no scheduler": ({"schedulerName": "another"}, "NotScheduled", "no scheduler has taken it up"),
    "secret": ({"volumes": [{"name": "v", "secret": {"secretName": "gone"}}], **MOUNTED}, "FailedMount", "gone"),
    "config map": ({"volumes": [{"name": "v", "configMap": {"name": "away"}}], **MOUNTED}, "FailedMount", "away"),
    "variable": (
        {"containers": [shell("exit 0", envFrom=[{"secretRef": {"name": "lost"}}])]},
        "CreateContainerConfigError",
        "lost",
    ),
    "crash before": (
        {"restartPolicy": "OnFailure", "initContainers": [{**shell("exit 3"), "name": "init"}]},
        "CrashLoopBackOff",
        "exit code 3",
    ),
    "sidecar": (
        {
            "initContainers": [
                {
                    **shell("sleep 600"),
                    "name": "proxy",
                    "restartPolicy": "Always",
                    "startupProbe": {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 600},
                }
            ]
        },
        "PodInitializing",
        "container proxy runs beside it and has not started yet",
    ),
    "image": ({"containers": [{"name": "main", "image": "registry.invalid/none:1"}]}, "ErrImage", "none:1"),
}
"""By what keeps it: the pod, the reason told, and what the words must hold."""


async def test_every_reason_is_told(kube: KubeClient, space: str) -> None:
    """Whatever keeps a pod from coming or from running is told; "has no pod yet" was all, for an hour."""
    records = {what: await made(kube, space, what.replace(" ", "-"), pod) for what, (pod, _, _) in REFUSED.items()}
    for what, (_, reason, words) in REFUSED.items():
        said: set[str] = set()

        async def look(what: str = what, reason: str = reason, words: str = words, said: set[str] = said) -> bool:
            found = await standing(kube, records[what], later=10 if what == "no scheduler" else 0)
            said.add(found.message)
            return found.reason == "PodWaiting" and reason in found.message and words in found.message

        try:
            await eventually(f"why: {what}", look)
        except AssertionError as error:
            raise AssertionError(f"{error}; told was {said}") from None
        late = await standing(kube, records[what], later=301)
        assert words in late.message
        assert (late.reason, late.verdict, late.remedy) == ("StartTimeout", Verdict.ERROR, Remedy.STOP)


async def test_a_policy_that_refuses_is_told_once(kube: KubeClient, space: str) -> None:
    """Each try has a pod of another name; the record and an Event had each of them."""
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}},
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ],
        },
        "validations": [{"expression": "has(object.metadata.labels.team)", "message": "whose is it?"}],
    }
    await kube.create(POLICIES, {"metadata": {"name": space}, "spec": policy})
    bound = {"policyName": space, "validationActions": ["Deny"]}
    await kube.create(POLICY_BINDINGS, {"metadata": {"name": space}, "spec": bound})
    try:
        told: set[str] = set()
        number = 0

        async def refused() -> bool:
            # NB: it takes the API server a moment to heed a policy.
            nonlocal number
            number += 1
            record = await made(kube, space, f"own{number}", {})
            await asyncio.sleep(2)
            told.add((await standing(kube, record)).message.replace(record.name, "own"))
            return any("whose is it?" in each for each in told)

        await eventually("the policy", refused)
        record = await made(kube, space, "last", {})
        seen = [await standing(kube, record) for _ in range(3) if await _again(kube, record)]
        assert {each.message for each in seen} == {seen[0].message}
        assert 'pods "last-…" is forbidden: ValidatingAdmissionPolicy' in seen[0].message
    finally:
        await kube.delete(POLICY_BINDINGS, space)
        await kube.delete(POLICIES, space)


KUBELETS = {
    "FailedCreatePodSandBox": 'Failed to create pod sandbox: plugin type="bridge" failed (add): no IP addresses',
    "FailedAttachVolume": 'Multi-Attach error for volume "pvc-1": volume is already used by pod(s) old-1',
    "FailedToRetrieveImagePullSecret": "Unable to retrieve some image pull secrets (regcred)",
    "NetworkNotReady": "network is not ready: container runtime network not ready: cni plugin not initialized",
}
"""What only a kubelet says, and only in Events; a process node has none of these."""


async def test_what_only_a_kubelet_says_is_told(kube: KubeClient, space: str) -> None:
    """A sandbox, a network or a volume that cannot be had: the pod itself says ContainerCreating, for ever."""
    for reason, message in KUBELETS.items():
        name = reason.lower()
        record = await made(kube, space, name, {"schedulerName": "another"})

        async def made_pod(name: str = name) -> Object | None:
            pods = (await kube.list(PODS, namespace=space, label_selector=f"job-name={name}")).items
            return pods[0] if pods else None

        pod = metadata(await eventually("the pod", made_pod))
        about = {"kind": "Pod", "name": pod["name"], "namespace": space, "uid": pod["uid"], "apiVersion": "v1"}
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"metadata": {"name": name, "namespace": space}, "involvedObject": about, "type": "Warning",
                 "reason": reason, "message": message, "firstTimestamp": at, "lastTimestamp": at}  # fmt: skip
        await kube.create(EVENTS, event)

        assert f"{reason}: {message}" in (await standing(kube, record)).message
        late = await standing(kube, record, later=301)
        assert (late.reason, late.verdict) == ("StartTimeout", Verdict.ERROR)
        assert f"{reason}: {message}" in late.message


async def _again(kube: KubeClient, record: ExperimentRecord) -> bool:
    """Wait until its Job has been refused a pod once more."""
    selector = f"involvedObject.name={record.name},reason=FailedCreate"

    async def count() -> int:
        found = (await kube.list(EVENTS, namespace=record.namespace, field_selector=selector)).items
        return sum(int(each.get("count") or 1) for each in found)

    before = await count()

    async def more() -> bool:
        return await count() > before

    return await eventually("another try", more)


async def test_a_webhook_that_refuses_is_told(kube: KubeClient, space: str) -> None:
    """An admission webhook that cannot be reached, or says no, refuses pods and not their Job."""
    client = {"url": f"https://127.0.0.1:{free_port()}/"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space}}
    hook = {"name": "no.example.com", "clientConfig": client, "rules": [rule], "namespaceSelector": selector,
            "sideEffects": "None", "admissionReviewVersions": ["v1"]}  # fmt: skip
    await kube.create(HOOKS, {"metadata": {"name": space}, "webhooks": [hook]})
    try:
        record = await made(kube, space, "held", {})

        async def look() -> Progress | None:
            found = await standing(kube, record)
            return found if found.reason == "PodWaiting" else None

        told = await eventually("why", look)
        assert 'FailedCreate: Internal error occurred: failed calling webhook "no.example.com"' in told.message
    finally:
        await kube.delete(HOOKS, space)


async def ended(scene: Scene) -> ExperimentRecord:
    """Wait for the only experiment's verdict."""

    async def look() -> ExperimentRecord | None:
        return next((each for each in await scene.records() if each.verdict is not None), None)

    return await eventually("a verdict", look)


def quick(**more: Any) -> Object:
    """A spec whose run must begin within three seconds."""
    values = {"tasks": ["http"], "http": {"url": "http://web.invalid/"}, "startTimeout": "3s", **more}
    return {"name": "experiment", "values": values}


async def test_a_run_that_cannot_start_is_ended(scene: Scene, cluster: LocalCluster) -> None:
    """A quota of no pods held the run for an hour, and nobody said why; now the verdict comes at startTimeout."""
    await scene.kube.create(QUOTAS, {**NO_PODS, "metadata": {"name": "none", "namespace": scene.namespace}})
    await scene.group(specs={"http": quick()})
    await scene.deploy(version="1", opt_in="true")
    record = await ended(scene)

    assert (record.phase, record.verdict, record.reason) == (Phase.COMPLETED, Verdict.ERROR, "StartTimeout")
    assert "within 3 s: FailedCreate" in record.message
    assert "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0" in record.message

    async def failed() -> Object | None:
        (job,) = (await scene.kube.list(JOBS, namespace=scene.namespace)).items
        conditions = {each["type"]: each["status"] for each in (job.get("status") or {}).get("conditions") or ()}
        return job if conditions.get("Failed") == "True" else None

    job = await eventually("the end of the Job", failed)
    assert metadata(job)["annotations"]["autox.dev/stopped-reason"] == "StartTimeout"
    why = run(sys.executable, "-m", "autox", "why", "deploy/web", "-n", scene.namespace, environ=cluster.environ)
    assert "exceeded quota" in why.out.replace("\n", " "), why.out
    await scene.kube.delete(QUOTAS, "none", namespace=scene.namespace)
    await scene.label(version="2")
    await scene.tested("2")


async def test_a_loop_that_cannot_start_is_ended(scene: Scene) -> None:
    """The next loop comes: a Job without pods kept a CronJob with Forbid from ever looping again."""
    await scene.kube.create(QUOTAS, {**NO_PODS, "metadata": {"name": "none", "namespace": scene.namespace}})
    await scene.group(specs={"http": quick(runner="cronjob", cronjobSchedule="0 0 1 1 *")})
    await scene.deploy(version="1", opt_in="true")
    (record,) = await scene.tested("1")
    (cron_job,) = (await scene.kube.list(CRON_JOBS, namespace=scene.namespace)).items
    loops = metadata(cron_job)["name"]

    async def begin(number: int) -> None:
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": loops, "uid": metadata(cron_job)["uid"],
                 "controller": True}  # fmt: skip
        template = cron_job["spec"]["jobTemplate"]
        names = {"name": f"{record.name}-{number}", "namespace": scene.namespace, "ownerReferences": [owner]}
        await scene.kube.create(JOBS, {"metadata": {**template["metadata"], **names}, "spec": template["spec"]})

    await begin(1)
    told = await ended(scene)
    assert (told.phase, told.verdict, told.reason) == (Phase.RUNNING, Verdict.ERROR, "StartTimeout")
    assert "exceeded quota" in told.message

    async def free() -> bool:
        found = await scene.kube.get(CRON_JOBS, loops, namespace=scene.namespace)
        jobs = (await scene.kube.list(JOBS, namespace=scene.namespace)).items
        failed = [each for job in jobs for each in job["status"].get("conditions") or () if each["type"] == "Failed"]
        return bool(failed) and not found["status"].get("active")

    await eventually("the end of the loop", free)
    (again,) = await scene.records()
    assert (again.reason, again.message) == (told.reason, told.message)
