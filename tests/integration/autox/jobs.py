"""Jobs as Helm would have made them, and how their experiments stand; nobody but the test looks at them."""

from datetime import UTC, datetime, timedelta

from autox.core.progressing import Progress, RunnerFacts, progress
from autox.kube.client import KubeClient
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import ChartRef
from autox.model.refs import JOBS, ObjectRef
from autox.model.verdict import Phase
from autox.store.workloads.jobs import read_workload
from tests.integration.objects import Object, shell


async def made(kube: KubeClient, namespace: str, name: str, pod: Object, *, tries: int = 6) -> ExperimentRecord:
    """A Job as Helm would have made it, and the record of an experiment that was launched with it."""
    spec = {"restartPolicy": "Never", "containers": [shell("exit 0")], **pod}
    labels = {"app.kubernetes.io/instance": name}
    body: Object = {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"template": {"spec": spec}},
    }
    body["spec"]["backoffLimit"] = tries
    await kube.create(JOBS, body)
    trigger = ObjectRef(group="apps", version="v1", resource="deployments", namespace=namespace, name="web")
    identity = Identity(
        group_namespace=namespace, group="web", spec="s", trigger=trigger, trigger_uid="u", version="1", digest="d"
    )
    at = datetime.now(UTC)
    return ExperimentRecord(
        name=name, uid="r", identity=identity, chart=ChartRef(name="x"), created_at=at, launched_at=at,
        phase=Phase.RUNNING,
    )  # fmt: skip


async def standing(kube: KubeClient, of: ExperimentRecord, *, later: float = 0) -> Progress:
    """How an experiment stands now, or would a while later."""
    workload = await read_workload(kube, of, interrupted=False)
    return progress(of, RunnerFacts(), workload, datetime.now(UTC) + timedelta(seconds=later))
