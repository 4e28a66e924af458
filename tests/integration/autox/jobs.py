"""Jobs as Helm would have made them, and how their experiments stand; nobody but the test looks at them."""

from datetime import UTC, datetime, timedelta

from autox.core.experiments.progressing import Progress, progress
from autox.core.experiments.runfacts import RunnerFacts
from autox.kube.client import KubeClient
from autox.model.experiments import ExperimentRecord
from autox.model.refs import JOBS, ObjectRef
from autox.store.workloads.jobs import read_workload
from tests.deciding.samples import identity, record
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
    at = datetime.now(UTC)
    return record(of=identity(trigger=trigger), name=name, created_at=at, launched_at=at)


async def standing(kube: KubeClient, of: ExperimentRecord, *, later: float = 0) -> Progress:
    """How an experiment stands now, or would a while later."""
    workload = await read_workload(kube, of, interrupted=False)
    return progress(of, RunnerFacts(), workload, datetime.now(UTC) + timedelta(seconds=later))
