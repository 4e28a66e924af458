"""A group, its trigger, and a reconciler that looks at them when a test says so; everything but Helm is real."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from autox.api.experiments import label_selector, record_from_object
from autox.controller.groups import Groups
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.reconciling import Reconciler
from autox.controller.recorder import Recorder
from autox.controller.steps import Steps
from autox.controller.supervising import Supervisor
from autox.kube.client import KubeClient
from autox.kube.events import EventRecorder
from autox.kube.objects import Object
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.experiments import ExperimentRecord
from autox.model.refs import DEPLOYMENTS, EVENTS, EXPERIMENT_GROUPS, EXPERIMENTS
from autox.model.trigger import TriggerWatch, WatchTrouble
from autox.ports import Releases
from autox.store.records import Records
from autox.testing.releases import RecordingReleases
from tests.integration.objects import deployment, shell

OPT_IN = "iter8.tools/autox"
VERSION = "app.kubernetes.io/version"
READY_WEB = {"name": "experiment", "values": {"tasks": ["ready"], "ready": {"deploy": "web"}, "runner": "job"}}
UNDER_TEST = {"group": "apps", "resource": "deployments", "name": "web"}
"""What is added to the values of a chart of ours, for the runner to look at the pods under test."""


class Scene:
    """One namespace."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.releases = RecordingReleases()
        self.troubles: dict[TriggerWatch, WatchTrouble] = {}
        self.event_recorder = EventRecorder(kube, component="autox-controller")
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.restart()

    def restart(self, kube: KubeClient | None = None, releases: Releases | None = None) -> None:
        """A controller that knows nothing of the one before it, perhaps one that is about to die."""
        kube = kube or self.kube
        self.groups = Groups(own_namespace="autox", on_change=lambda _: None)
        self.records = Records(kube, now=lambda: self.now)
        teller = Recorder(self.event_recorder, self.groups)
        self.reconciler = Reconciler(
            kube,
            self.groups,
            Steps(self.records, releases or self.releases, teller, now=lambda: self.now),
            Supervisor(kube, self.records, teller, now=lambda: self.now),
            teller,
            scope=NamespaceScope(own_namespace=self.namespace, everywhere=True),
            troubles=lambda: self.troubles,
            were_deleted=_by_nobody,
            now=lambda: self.now,
        )

    async def trigger(self, **labels: str | None) -> None:
        """Make the Deployment, or change its labels: ``opt_in`` and ``version``, or any other by its name."""
        names = {"opt_in": OPT_IN, "version": VERSION}
        wanted = {names.get(name, name): value for name, value in labels.items()}
        body = deployment("web", shell("sleep 1000"), replicas=0)
        await self.kube.apply(
            DEPLOYMENTS, body | {"metadata": {"name": "web", "namespace": self.namespace}}, field_manager="user"
        )
        await self.kube.patch(DEPLOYMENTS, "web", {"metadata": {"labels": wanted}}, namespace=self.namespace)

    async def group(self, name: str = "web", *, namespace: str = "", **spec: Any) -> Object:
        """Make a group, or change it; one experiment unless ``specs`` says otherwise."""
        ref = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": self.namespace, "name": "web"}
        body = {
            "metadata": {"name": name, "namespace": namespace or self.namespace},
            "spec": {"trigger": ref, "specs": {"quick": READY_WEB}} | spec,
        }
        return await self.kube.apply(EXPERIMENT_GROUPS, body, field_manager="user")

    async def look(self, name: str = "web", *, namespace: str = "") -> float | None:
        """Have the reconciler look at a group, as it is now."""
        key = (namespace or self.namespace, name)
        listing = await self.kube.list(EXPERIMENT_GROUPS, namespace=key[0])
        found = [each for each in listing.items if each["metadata"]["name"] == name]
        names = {"metadata": {"namespace": key[0], "name": name}}
        self.groups.observe(WatchEvent(WatchEventType.ADDED, found[0]) if found else _gone(names))
        return await self.reconciler.reconcile(key)

    async def experiments(self, name: str = "web") -> list[Object]:
        """The records of a group, oldest first."""
        listing = await self.kube.list(EXPERIMENTS, label_selector=label_selector(self.namespace, name))
        return sorted(listing.items, key=lambda each: (each["metadata"]["creationTimestamp"], each["spec"]["version"]))

    async def by_version(self, name: str = "web") -> dict[str, ExperimentRecord]:
        """The latest record of each version."""
        records = [record_from_object(each) for each in await self.experiments(name)]
        return {each.identity.version: each for each in sorted(records, key=lambda each: each.identity.revision)}

    async def status(self, name: str = "web") -> Object:
        """The status of a group."""
        found = await self.kube.get(EXPERIMENT_GROUPS, name, namespace=self.namespace)
        status: Object = found.get("status") or {}
        return status

    async def conditions(self, name: str = "web") -> dict[str, tuple[str, str]]:
        """Status and reason of each condition of a group."""
        listed = (await self.status(name)).get("conditions") or ()
        return {each["type"]: (each["status"], each["reason"]) for each in listed}

    async def events(self, kind: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of the Events about objects of a kind."""
        await self.event_recorder.flush()
        listing = await self.kube.list(EVENTS, namespace=self.namespace)
        events = [each for each in listing.items if each["involvedObject"]["kind"] == kind]
        return [(each["type"], each["reason"], each["message"]) for each in events]

    def running(self) -> list[str]:
        """The names of the releases that are there."""
        return [name for _, name in self.releases.installed]


async def _by_nobody(*_: object) -> bool:
    return False


def _gone(names: Mapping[str, Any]) -> WatchEvent[Object]:
    return WatchEvent(WatchEventType.DELETED, dict(names))
