"""What is to be watched for triggers, and why it may not work."""

from dataclasses import dataclass

from autox.model.groups import OptIn
from autox.model.refs import ObjectRef


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
