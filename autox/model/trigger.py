"""A trigger object: what is to be watched for it, and what was read back, which is all that a decision may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from autox.model.groups import OptIn
from autox.model.refs import ObjectRef

NAMESPACE_MISSING = "NamespaceMissing"
"""The reason of a trigger that is absent, for not even its namespace is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerWatch:
    """Objects of one resource in one namespace that have the opt-in label; all of them if ``opt_in`` is None."""

    group: str
    version: str
    resource: str
    namespace: str
    opt_in: OptIn | None

    @staticmethod
    def of(trigger: ObjectRef, opt_in: OptIn | None) -> "TriggerWatch":
        """The watch that sees this trigger."""
        return TriggerWatch(
            group=trigger.group,
            version=trigger.version,
            resource=trigger.resource,
            namespace=trigger.namespace,
            opt_in=opt_in,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTrouble:
    """Why a watch does not work: ``ResourceNotServed``, ``Forbidden`` or ``WatchFailed``, and what to do about it."""

    reason: str
    message: str


class TriggerState(StrEnum):
    """What reading the trigger gave."""

    PRESENT = "Present"
    ABSENT = "Absent"  # a confirmed 404, or it is being deleted
    UNREADABLE = "Unreadable"  # any other answer, or none: says nothing about the trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSnapshot:
    """The trigger at one moment.

    Attributes:
        ref: which object.
        state: whether it is there, gone, or unknown.
        uid: of the object; empty unless present.
        labels: its labels; empty unless present.
        images: the images of its pod template, in order; empty if it has none.
        template: digest of what decides which pods it runs (``autox.core.experiments.templates``); empty if nothing
            does.
        reason: CamelCase, why it is unreadable, or absent for more than itself; empty otherwise.
        message: the same for people, with what to do about it.
    """

    ref: ObjectRef
    state: TriggerState
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    template: str = ""
    reason: str = ""
    message: str = ""
