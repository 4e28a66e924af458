"""A namespace with triggers and groups, and what the controller has made of them, as the API server tells it.

Triggers have no pods and most experiments no Job: what is tested here is who is launched and deleted, and why. One
poll costs milliseconds, and a scene waits for what must come, never for time to pass.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from autox.api.experiments import label_selector, record_from_object
from autox.core.experiments.deciding import is_live
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL
from autox.model.refs import DEPLOYMENTS, EXPERIMENT_GROUPS, EXPERIMENTS, JOBS, SECRETS, Resource
from autox.model.verdict import Phase
from tests.clusters import WAIT_SECONDS
from tests.integration.autox.controllers import ControllerProcess
from tests.integration.objects import deployment, shell

T = TypeVar("T")

IDLE: Object = {
    "name": "experiment",
    "values": {"tasks": ["http"], "http": {"url": "http://web.invalid/"}, "runner": "none"},
}
"""A spec whose release runs nothing: launched and deleted like any other, in no time."""

UNSCHEDULABLE: Object = {
    "name": "experiment",
    "values": {
        "tasks": ["http"],
        "http": {"url": "http://web.invalid/"},
        "resources": {"requests": {"cpu": "1000"}},
    },
}
"""A spec whose Job is made, and whose pod no node has room for."""


async def eventually(what: str, look: Callable[[], Awaitable[T | None]], *, seconds: float = WAIT_SECONDS) -> T:
    """Look again and again until there is something, and return it; what never comes fails the test by its name."""
    began = time.monotonic()
    while not (found := await look()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        # NB: what takes its time is looked at less often, for that takes the processor from it.
        await asyncio.sleep(min(0.5, max(0.05, waited / 20)))
    return found


class Scene:
    """One namespace, a client that may do everything, and the controller."""

    def __init__(self, kube: KubeClient, namespace: str, controller: ControllerProcess) -> None:
        self.kube = kube
        self.namespace = namespace
        self.controller = controller

    # What users do.

    async def deploy(self, name: str = "web", **labels: str | None) -> Object:
        """Make a Deployment without pods; ``version`` and ``opt_in`` are its labels."""
        body = deployment(name, shell("sleep 3600"), replicas=0)
        body["metadata"] |= {"namespace": self.namespace, "labels": _labels(labels)}
        return await self.kube.create(DEPLOYMENTS, body)

    async def label(self, name: str = "web", *, resource: Resource = DEPLOYMENTS, **labels: str | None) -> None:
        """Change labels of an object; None removes one."""
        body: Object = {"metadata": {"labels": _labels(labels, keep_none=True)}}
        await self.kube.patch(resource, name, body, namespace=self.namespace)

    async def group(
        self,
        name: str = "web",
        specs: Mapping[str, Object] | None = None,
        *,
        trigger: Object | None = None,
        **spec: Any,
    ) -> Object:
        """Apply a group for Deployment ``web``, or another trigger, with one idle spec ``http``, or others."""
        on = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": self.namespace, "name": "web"}
        body: Object = {
            "apiVersion": EXPERIMENT_GROUPS.api_version,
            "kind": EXPERIMENT_GROUPS.kind,
            "metadata": {"namespace": self.namespace, "name": name},
            "spec": {"trigger": on | (trigger or {}), "specs": dict(specs or {"http": IDLE}), **spec},
        }
        return await self.kube.apply(EXPERIMENT_GROUPS, body, field_manager="user")

    async def ungroup(self, name: str = "web") -> None:
        """Delete a group."""
        await self.kube.delete(EXPERIMENT_GROUPS, name, namespace=self.namespace)

    # What there is.

    async def records(self, group: str = "web") -> list[ExperimentRecord]:
        """The experiments of a group, oldest first."""
        # NB: they are dated in whole seconds; of two of one second the one that lives is the newer.
        selector = label_selector(self.namespace, group)
        listing = await self.kube.list(EXPERIMENTS, namespace=self.namespace, label_selector=selector)
        found = map(record_from_object, listing.items)
        return sorted(found, key=lambda each: (each.created_at, is_live(each), each.identity.revision))

    async def releases(self) -> list[str]:
        """The names of the releases that Helm knows of."""
        listing = await self.kube.list_metadata(SECRETS, namespace=self.namespace, label_selector="owner=helm")
        return sorted(each["metadata"]["labels"]["name"] for each in listing.items)

    async def jobs(self) -> list[str]:
        """The experiments of all Jobs, each as often as it has one."""
        listing = await self.kube.list_metadata(JOBS, namespace=self.namespace)
        return sorted(each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in listing.items)

    async def condition(self, kind: str, group: str = "web") -> Object:
        """A condition of a group; empty if it has none."""
        found = await self.kube.get(EXPERIMENT_GROUPS, group, namespace=self.namespace)
        conditions = found.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})

    # What comes about.

    async def tested(self, version: str, *, group: str = "web", specs: int = 1) -> list[ExperimentRecord]:
        """Wait until a version is under test in each spec of a group, and nothing else is; its records."""

        async def look() -> list[ExperimentRecord] | None:
            live = [each for each in await self.records(group) if is_live(each)]
            is_right = all(each.identity.version == version and each.launched_at is not None for each in live)
            return live if len(live) == specs and is_right else None

        live = await eventually(f"version {version} under test by group {group}", look)
        releases = await self.releases()
        assert {each.name for each in live} <= set(releases)
        return live

    async def deleted(self, reason: str, *, group: str = "web") -> list[ExperimentRecord]:
        """Wait until all experiments of a group are deleted, one of them for this reason; their records."""

        async def look() -> list[ExperimentRecord] | None:
            records = await self.records(group)
            return records if records and all(each.phase is Phase.DELETED for each in records) else None

        records = await eventually(f"the deletion of the experiments of group {group}", look)
        # NB: not the last one, for records are created in whole seconds and two may share one.
        assert reason in [each.reason for each in records]
        assert not {each.name for each in records} & set(await self.releases())
        return records

    async def waits(self, reason: str, *, group: str = "web", kind: str = "Ready") -> str:
        """Wait until a condition of a group has this reason; its message."""

        async def look() -> Object | None:
            found = await self.condition(kind, group)
            return found if found.get("reason") == reason else None

        message: str = (await eventually(f"reason {reason} in condition {kind} of group {group}", look))["message"]
        return message

    async def has_come_round(self) -> None:
        """Wait until the controller has dealt with everything that happened before this."""
        name = "marker"
        try:
            await self.kube.delete(DEPLOYMENTS, name, namespace=self.namespace)
            await self.deleted("TriggerGone", group=name)
        except NotFoundError:
            await self.group(name, trigger={"name": name})
        before = len(await self.records(name))
        made = await self.deploy(name, version="1", opt_in="true")
        (record,) = await self.tested("1", group=name)
        assert (record.identity.trigger_uid, before) == (made["metadata"]["uid"], len(await self.records(name)) - 1)


def _labels(given: Mapping[str, str | None], *, keep_none: bool = False) -> dict[str, str | None]:
    keys = {"version": VERSION_LABEL, "opt_in": OPT_IN_LABEL}
    return {keys.get(key, key): value for key, value in given.items() if value is not None or keep_none}
