"""A trigger object as it was read back: all that a decision may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from autox.model.refs import ObjectRef

NAMESPACE_MISSING = "NamespaceMissing"
"""The reason of a trigger that is absent, for not even its namespace is there."""


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
        template: digest of what decides which pods it runs (``autox.core.templates``); empty if nothing does.
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
