"""Experiment groups as commands see them: what they want, and what the controller has said about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autox.api.groups import group_from_object
from autox.core.experiments.deciding import decide
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.decision import Action, Decision
from autox.model.errors import ConfigurationError, NotFoundError
from autox.model.groups import ExperimentGroup
from autox.model.refs import EXPERIMENT_GROUPS, ObjectRef
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.store.experiments import listed
from autox.store.triggers import read_trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadGroup:
    """A group and its status; of a group that makes no sense, why it does not.

    Attributes:
        namespace: the group's own.
        name: the group's.
        trigger: what it names; None if it names nothing.
        wanted: the whole of it; None if it makes no sense.
        flaw: why it makes no sense; empty otherwise.
        is_seen: the controller's status is about the group as it is now.
        seen: the trigger as the controller last saw it; None if it has not.
        conditions: by type, each as its status, reason and message.
        last_decision: as the controller wrote it; empty if there was none.
    """

    namespace: str
    name: str
    trigger: ObjectRef | None
    wanted: ExperimentGroup | None
    flaw: str
    is_seen: bool
    seen: TriggerSnapshot | None
    conditions: Mapping[str, tuple[str, str, str]]
    last_decision: Mapping[str, str]

    @property
    def trouble(self) -> str:
        """What keeps it from working; empty if nothing does, or nobody has looked yet."""
        if self.flaw:
            return self.flaw
        status, reason, message = self.conditions.get("Ready", ("", "", ""))
        return ": ".join(filter(None, (reason, message))) if status == "False" else ""


async def group(kube: KubeClient, namespace: str, name: str) -> ReadGroup:
    """One group by name.

    Args:
        kube: with the user's rights.
        namespace: the group's own, not its trigger's.
        name: of the group.

    Raises:
        NotFoundError: there is none of that name.
    """
    try:
        return read_group(await kube.get(EXPERIMENT_GROUPS, name, namespace=namespace))
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no experiment group {name} in namespace {namespace}",
            hint="`kubectl get xg -A` lists all groups; -n names the group's namespace.",
        ) from error


async def groups(kube: KubeClient, *, namespace: str | None) -> list[ReadGroup]:
    """The groups in a namespace, or with None in all.

    Raises:
        NotFoundError: the cluster knows no groups.
    """
    return [read_group(obj) for obj in await listed(kube, EXPERIMENT_GROUPS, namespace=namespace)]


async def trigger_of(kube: KubeClient, found: ReadGroup, wanted: ExperimentGroup) -> TriggerSnapshot:
    """A group's trigger as it is now; to whom may not read it, as the controller last saw it.

    Args:
        kube: with the user's rights.
        found: the group, for what the controller saw.
        wanted: the same group, for what it names.
    """
    trigger = await read_trigger(kube, wanted.trigger)
    return found.seen if trigger.reason == "Forbidden" and found.seen is not None else trigger


def obstacle(group: ExperimentGroup, trigger: TriggerSnapshot) -> Decision | None:
    """Why the controller launches nothing for a trigger as it is; None if it does.

    It is what would be decided if nothing had been launched yet, whatever the values of the charts.
    """
    decisions = decide(group, trigger, (), {spec.name: "" for spec in group.specs})
    return next((each for each in decisions if each.action in (Action.WAIT, Action.IGNORE)), None)


def read_group(obj: Object) -> ReadGroup:
    """A group from its object, whatever stands in it."""
    own = metadata(obj)
    wanted, flaw = None, ""
    try:
        wanted = group_from_object(obj)
    except ConfigurationError as error:
        flaw = error.message
    status = _mapping(obj.get("status"))
    conditions = status.get("conditions")
    return ReadGroup(
        namespace=str(own.get("namespace", "")),
        name=str(own.get("name", "")),
        trigger=wanted.trigger if wanted is not None else _trigger(obj),
        wanted=wanted,
        flaw=flaw,
        is_seen=status.get("observedGeneration") == own.get("generation"),
        seen=None if wanted is None else _seen(wanted, _mapping(status.get("trigger"))),
        conditions={
            _text(each, "type"): (_text(each, "status"), _text(each, "reason"), _text(each, "message"))
            for each in (conditions if isinstance(conditions, list) else ())
        },
        last_decision={key: str(value) for key, value in _mapping(status.get("lastDecision")).items()},
    )


def _seen(group: ExperimentGroup, found: Mapping[str, Any]) -> TriggerSnapshot | None:
    if not found.get("uid"):
        return None
    labels = {group.version_label: _text(found, "version")}
    if found.get("optedIn") is True and group.opt_in is not None:
        labels[group.opt_in.label] = group.opt_in.value
    return TriggerSnapshot(
        ref=group.trigger, state=TriggerState.PRESENT, uid=_text(found, "uid"), labels=labels, reason="AsLastSeen"
    )


def _trigger(obj: Object) -> ObjectRef | None:
    """What a group that makes no sense names all the same."""
    found = _mapping(_mapping(obj.get("spec")).get("trigger"))
    group_, version, resource, namespace, name = (
        _text(found, key) for key in ("group", "version", "resource", "namespace", "name")
    )
    if not (resource and namespace and name):
        return None
    return ObjectRef(group=group_, version=version, resource=resource, namespace=namespace, name=name)


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(found: Any, key: str) -> str:
    value = _mapping(found).get(key)
    return value if isinstance(value, str) else ""
