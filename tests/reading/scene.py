"""A namespace of a real API server with a trigger, a group and experiments made by hand, and the commands on it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autox.api.experiments import object_from_record
from autox.core.experiments.naming import experiment_name
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL, ChartRef
from autox.model.refs import DEPLOYMENTS, EVENTS, EXPERIMENT_GROUPS, EXPERIMENTS, ObjectRef
from tests import inside
from tests.clusters import Done
from tests.deciding.samples import NOW
from tests.integration.objects import deployment, shell

SEEN = "2026-01-01T00:00:00Z"
OK = {"metric": "http/error-rate", "bound": "upper", "limit": 0.01, "observed": 0.0, "verdict": "Pass"}
SLOW = {
    "metric": "http/latency-p99",
    "bound": "upper",
    "limit": 100.0,
    "observed": 312.4,
    "unit": "ms",
    "verdict": "Fail",
    "message": "too slow",
}


@dataclass(slots=True, kw_only=True)
class Scene:
    """Group ``shop`` and Deployment ``web`` in one namespace, none of them there yet."""

    kube: KubeClient
    namespace: str
    kubeconfig: Path

    async def autox(self, *argv: str, columns: int = 80, **environ: str) -> Done:
        """Run ``autox ARGV… -n NAMESPACE``, in a thread."""
        given = {"KUBECONFIG": str(self.kubeconfig), "COLUMNS": str(columns), **environ}
        return await asyncio.to_thread(inside.autox, *argv, "-n", self.namespace, environ=given)

    async def web(self, **labels: str) -> str:
        """Make the trigger, or give it these labels and no others; returns its uid."""
        try:
            body = await self.kube.get(DEPLOYMENTS, "web", namespace=self.namespace)
        except NotFoundError:
            body = deployment("web", shell("true"))
            body["metadata"] |= {"namespace": self.namespace, "labels": labels}
            return str(metadata(await self.kube.create(DEPLOYMENTS, body))["uid"])
        body["metadata"]["labels"] = labels
        return str(metadata(await self.kube.replace(DEPLOYMENTS, body))["uid"])

    async def opted_in(self, version: str = "2.0") -> str:
        """The trigger as it should be; returns its uid."""
        return await self.web(**{OPT_IN_LABEL: "true", VERSION_LABEL: version})

    async def group(self, *specs: str, status: Object | None = None, name: str = "shop", **spec: Any) -> None:
        """Make the group; its status is that of a controller that has just looked, unless another is given."""
        body = {
            "apiVersion": EXPERIMENT_GROUPS.api_version,
            "kind": EXPERIMENT_GROUPS.kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "trigger": {
                    "group": "apps",
                    "version": "v1",
                    "resource": "deployments",
                    "namespace": self.namespace,
                    "name": "web",
                },
                "specs": {name: {"name": "other", "repo": "https://charts.example"} for name in specs or ("load",)},
            }
            | spec,
        }
        await self.kube.create(EXPERIMENT_GROUPS, body)
        seen = {"status": {"observedGeneration": 1} if status is None else status}
        await self.kube.patch(EXPERIMENT_GROUPS, name, seen, namespace=self.namespace, subresource="status")

    async def experiment(
        self,
        *,
        uid: str = "u",
        version: str = "2.0",
        spec: str = "load",
        revision: int = 1,
        group: str = "shop",
        group_namespace: str = "",
        **status: Any,
    ) -> str:
        """Make an experiment's record with a status; returns its name."""
        identity = Identity(
            group_namespace=group_namespace or self.namespace,
            group=group,
            spec=spec,
            trigger=ObjectRef(group="apps", version="v1", resource="deployments", namespace=self.namespace, name="web"),
            trigger_uid=uid,
            version=version,
            digest="d",
            revision=revision,
        )
        name = experiment_name(identity)
        record = ExperimentRecord(
            name=name, uid="", identity=identity, chart=ChartRef(name="experiment"), created_at=NOW
        )
        await self.kube.create(EXPERIMENTS, object_from_record(record))
        if status:
            await self.set_status(name, **status)
        return name

    async def set_status(self, name: str, **status: Any) -> None:
        """Change fields of an experiment's status."""
        change = {"status": status}
        await self.kube.patch(EXPERIMENTS, name, change, namespace=self.namespace, subresource="status")

    async def event(self, kind: str, name: str, *, reason: str, message: str) -> None:
        """An Event about an object of ours."""
        body = {
            "metadata": {"generateName": "e-", "namespace": self.namespace},
            "involvedObject": {"kind": kind, "name": name, "namespace": self.namespace},
            "reason": reason,
            "message": message,
            "type": "Warning",
            "count": 3,
            "firstTimestamp": SEEN,
            "lastTimestamp": SEEN,
        }
        await self.kube.create(EVENTS, body)


def result(verdict: str, reason: str, message: str, *states: str, **of_the_load: Any) -> dict[str, Any]:
    """The result in the status as a runner leaves it, of a load and its assessment unless other states are given."""
    tasks: list[dict[str, Any]] = [
        {"task": task, "state": state}
        for task, state in zip(("http", "assess"), states or ("Done", "Done"), strict=True)
    ]
    tasks[0] |= of_the_load
    return {"verdict": verdict, "reason": reason, "message": message, "tasks": tasks}


def passed() -> dict[str, Any]:
    """The status of an experiment that passed."""
    told = {"reason": "SLOsMet", "message": "1 of 1 SLO met"}
    ended = {"phase": "Completed", "verdict": "Pass", "loops": 1, "completedAt": SEEN, "slos": [OK]}
    return ended | told | {"result": result("Pass", told["reason"], told["message"])}


def failed() -> dict[str, Any]:
    """The status of one that did not."""
    told = {"reason": "SLONotMet", "message": "1 of 2 SLOs failed"}
    ended = passed() | {"verdict": "Fail", "slos": [OK, SLOW]}
    return ended | told | {"result": result("Fail", told["reason"], told["message"])}


def untested(load: str = "it has no pod") -> dict[str, Any]:
    """The status of one whose load could not be applied."""
    told = {"reason": "TaskFailed", "message": f"task http failed: {load}"}
    ended = {"phase": "Completed", "verdict": "Error", "loops": 1, "completedAt": SEEN}
    return ended | told | {"result": result("Error", told["reason"], told["message"], "Failed", "Skipped")}


def broken() -> dict[str, Any]:
    """The status of one whose Job ended without a word."""
    return {"phase": "Completed", "verdict": "Error", "reason": "JobFailed", "message": "exit code 137"}
