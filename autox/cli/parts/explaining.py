"""Gathers what explains an object: the object itself, the groups that name it, their experiments, their Events.

What cannot be read is said in the explanation, not raised, as long as there is something left to explain.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from autox.cli.parts import groups
from autox.cli.parts.groups import ReadGroup
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.decision import Decision
from autox.model.errors import ForbiddenError
from autox.model.refs import EVENTS, EXPERIMENT_GROUPS, EXPERIMENTS, ObjectRef, Resource
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.store.experiments import ReadExperiment, experiments
from autox.store.triggers import read_trigger

EVENTS_SHOWN = 5
_KINDS = (EXPERIMENT_GROUPS.kind, EXPERIMENTS.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEvent:
    """An Event about a group or one of its experiments."""

    at: datetime
    kind: str
    about: str
    type: str
    reason: str
    message: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupExplained:
    """A group that names the object.

    Attributes:
        group: what it wants and what the controller says.
        obstacle: why nothing is launched for the object as it is; None if something is.
        experiments: the newest of each spec.
        events: the latest, oldest first.
    """

    group: ReadGroup
    obstacle: Decision | None
    experiments: tuple[ReadExperiment, ...]
    events: tuple[SeenEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one object.

    Attributes:
        trigger: the object as it is now.
        groups: those that name it.
        others: groups that name another object of the same name, which may be what somebody meant; if there is no such
            object, those with names like it too.
        notes: what could not be read.
    """

    trigger: TriggerSnapshot
    groups: tuple[GroupExplained, ...]
    others: tuple[ReadGroup, ...]
    notes: tuple[str, ...]


async def explain(kube: KubeClient, resource: Resource, name: str, *, namespace: str) -> Explanation:
    """Explain an object.

    Args:
        kube: with the user's rights, which decide how much can be explained.
        resource: its kind.
        name: its name.
        namespace: its own; groups elsewhere may name it, too.

    Raises:
        AutoxError: neither the groups nor the object can be read.
    """
    notes: list[str] = []
    try:
        known = await groups.groups(kube, namespace=None)
    except ForbiddenError:
        known = await groups.groups(kube, namespace=namespace)
        notes.append(f"only groups in namespace {namespace} were looked at: those of other namespaces may not be read")
    ref = ObjectRef(
        group=resource.group, version=resource.version, resource=resource.plural, namespace=namespace, name=name
    )
    naming = [each for each in known if each.trigger is not None and _is_same(each.trigger, ref)]
    trigger = await read_trigger(kube, ref)
    meant = {name, *(_near(ref, known) if trigger.state is TriggerState.ABSENT else ())}
    others = [each for each in known if each.trigger is not None and each.trigger.name in meant and each not in naming]
    others.sort(key=lambda each: namespace not in (each.namespace, each.trigger and each.trigger.namespace))
    explained = [await _explained(kube, each, trigger, notes) for each in naming]
    if trigger.state is TriggerState.UNREADABLE:
        notes.append(f"{ref} cannot be read: {trigger.message}")
        trigger = next((replace(each.seen, ref=ref) for each in naming if each.seen is not None), trigger)
    return Explanation(
        trigger=trigger, groups=tuple(explained), others=tuple(others), notes=tuple(dict.fromkeys(notes))
    )


async def _explained(kube: KubeClient, group: ReadGroup, trigger: TriggerSnapshot, notes: list[str]) -> GroupExplained:
    newest: dict[str, ReadExperiment] = {}
    try:
        listed = await experiments(kube, namespace=trigger.ref.namespace, group=group.name)
        notes += listed.troubles
        mine = [each for each in listed.experiments if each.record.identity.group_namespace == group.namespace]
        # What is being deleted is only told where there is nothing else to tell.
        for each in sorted(mine, key=lambda one: (one.is_current, one.record.created_at)):
            newest[each.record.identity.spec] = each
    except ForbiddenError as error:
        notes.append(f"experiments cannot be read: {error.message}")
    places = {(group.namespace, group.name)} | {(one.record.namespace, one.record.name) for one in newest.values()}
    seen = trigger if trigger.state is not TriggerState.UNREADABLE or group.seen is None else group.seen
    return GroupExplained(
        group=group,
        obstacle=None if group.wanted is None else groups.obstacle(group.wanted, seen),
        experiments=tuple(newest[spec] for spec in sorted(newest)),
        events=await _events(kube, sorted(places), notes),
    )


async def _events(kube: KubeClient, places: Iterable[tuple[str, str]], notes: list[str]) -> tuple[SeenEvent, ...]:
    found: list[SeenEvent] = []
    try:
        for namespace, name in places:
            listed = await kube.list(EVENTS, namespace=namespace, field_selector=f"involvedObject.name={name}")
            found += [_event(each) for each in listed.items if _about(each).get("kind") in _KINDS]
    except ForbiddenError as error:
        notes.append(f"events cannot be read: {error.message}")
    # NB: what happens to an experiment is told of its group too, whose older experiments are not looked at here.
    of_experiments = {_sentence(each) for each in found if each.kind == EXPERIMENTS.kind}
    once = [each for each in found if each.kind == EXPERIMENTS.kind or _sentence(each) not in of_experiments]
    return tuple(sorted(once, key=lambda each: each.at)[-EVENTS_SHOWN:])


def _sentence(event: SeenEvent) -> tuple[str, str, str]:
    return event.type, event.reason, event.message


def _event(obj: Object) -> SeenEvent:
    moment = obj.get("lastTimestamp") or obj.get("eventTime") or (obj.get("metadata") or {}).get("creationTimestamp")
    try:
        at = datetime.fromisoformat(str(moment)).astimezone(UTC)
    except (ValueError, OverflowError):
        at = datetime.fromtimestamp(0, UTC)
    return SeenEvent(
        at=at,
        kind=str(_about(obj).get("kind") or ""),
        about=str(_about(obj).get("name") or ""),
        type=str(obj.get("type") or ""),
        reason=str(obj.get("reason") or ""),
        message=str(obj.get("message") or ""),
        count=obj["count"] if isinstance(obj.get("count"), int) else 1,
    )


def _about(event: Object) -> dict[str, Any]:
    about = event.get("involvedObject")
    return about if isinstance(about, dict) else {}


def _near(ref: ObjectRef, known: Iterable[ReadGroup]) -> list[str]:
    """Names like this one that groups give to objects of its kind."""
    of_kind = {
        each.trigger.name for each in known if each.trigger is not None and each.trigger.resource == ref.resource
    }
    return get_close_matches(ref.name, sorted(of_kind))


def _is_same(one: ObjectRef, other: ObjectRef) -> bool:
    """Whether two references name one object; the version is only how to read it."""
    return replace(one, version="") == replace(other, version="")
