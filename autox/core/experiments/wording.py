"""Why autox launches, keeps, replaces or deletes an experiment, in the words that people read.

Reasons are CamelCase words that scripts may compare; messages say what was seen, where, and what would change it.
What becomes of a run is told by ``runwording`` next door. No function here is given chart values: they may hold
secrets.
"""

from dataclasses import replace

from autox.core.experiments.notice import Notice, warning
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import OptIn
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerSnapshot
from autox.model.verdict import Phase

QUEUED = "Queued"
"""The reason of a spec that waits for the load of another one to end."""

TEMPLATE_CHANGED = "TemplateChanged"
"""The reason of an experiment whose pods were replaced by others of the same version."""

REPLACED_IN_MID_TEST = "the pods were replaced in mid-test"
"""Why the figures of a run are of no version: begins a message."""

NEW_VERSION = "NewVersion"
"""The reason of what is done because the trigger has another version."""

RECORD_DELETED = "RecordDeleted"
"""The reason of an experiment whose record somebody deletes by hand."""


# Why nothing is launched.


def suspended() -> Notice:
    """The group says so."""
    message = "the group is suspended: nothing is launched or deleted until spec.suspend is false"
    return Notice(reason="Suspended", message=message)


def trigger_unreadable(trigger: TriggerSnapshot) -> Notice:
    """Nobody knows whether the trigger is there."""
    why = trigger.message or "no answer"
    where = trigger.ref.namespace
    upgrade = (
        f"if namespace {where} was made anew, its rights went with the old one, and an upgrade of autox makes them"
    )
    return warning(
        trigger.reason or "TriggerUnreadable",
        f"{trigger.ref} cannot be read, so nothing is launched or deleted; it is tried again: {why}",
        remedy=upgrade if trigger.reason == "Forbidden" else "",
    )


def trigger_gone(trigger: TriggerSnapshot) -> Notice:
    """There is no such object, or it is being deleted; or there is not even its namespace."""
    message = trigger.message or f"{trigger.ref} does not exist or is being deleted"
    return Notice(reason=trigger.reason or "TriggerGone", message=message)


def not_opted_in(trigger: ObjectRef, opt_in: OptIn) -> Notice:
    """The opt-in label is missing."""
    remedy = f"to opt in: {_label(trigger, f'{opt_in.label}={opt_in.value}')}"
    return Notice(reason="NotOptedIn", message=f"{trigger} has no label {opt_in.label}", remedy=remedy)


def opted_out(trigger: ObjectRef, opt_in: OptIn, value: str) -> Notice:
    """The opt-in label has another value.

    Args:
        trigger: which has it.
        opt_in: the label and the value that would opt in.
        value: the label's now.
    """
    message = f"{trigger} has label {opt_in.label}={value}, and only {opt_in.label}={opt_in.value} opts in"
    return Notice(reason="OptedOut", message=message)


def version_missing(trigger: ObjectRef, label: str, *, is_empty: bool, has_asked: bool) -> Notice:
    """It has opted in, or need not, but nobody says which version it is.

    Args:
        trigger: the object.
        label: the key of the group's version label.
        is_empty: the label is there, without a value.
        has_asked: the group wants it to opt in, and it has.
    """
    seen = f"an empty label {label}" if is_empty else f"no label {label}"
    remedy = f"to name its version: {_label(trigger, f'{label}=VERSION')}"
    return warning(
        "VersionMissing", f"{trigger} {'has opted in but has' if has_asked else 'has'} {seen}", remedy=remedy
    )


def queued(spec: str, ahead: str) -> Notice:
    """Another spec of the group loads."""
    message = f"spec {spec} waits: experiments of a group that load run one after another, and {ahead} comes first"
    return Notice(reason=QUEUED, message=message, remedy="with concurrency: parallel they run side by side")


# Why an experiment is stale.


def spec_removed(identity: Identity) -> Notice:
    """The group was edited."""
    message = f"experiment group {identity.group_namespace}/{identity.group} has no spec {identity.spec} any more"
    return Notice(reason="SpecRemoved", message=message)


def group_removed(identity: Identity) -> Notice:
    """The group was deleted."""
    message = f"experiment group {identity.group_namespace}/{identity.group} was deleted"
    return Notice(reason="GroupRemoved", message=message)


def trigger_changed(old: Identity, new: Identity) -> Notice:
    """The group names another trigger now."""
    return Notice(reason="TriggerChanged", message=f"the group's trigger is {new.trigger} now; it was {old.trigger}")


def trigger_replaced(old: Identity, new: Identity) -> Notice:
    """The trigger was deleted and made again."""
    message = f"{new.trigger} was deleted and created again: its uid is {new.trigger_uid} now; it was {old.trigger_uid}"
    return Notice(reason="TriggerReplaced", message=message)


def new_version(identity: Identity, *, old: str = "") -> Notice:
    """The version label changed, or was never seen before."""
    was = f"; it was {old}" if old else ""
    return Notice(reason=NEW_VERSION, message=f"the version of {identity.trigger} is {identity.version}{was}")


def chart_or_values_changed(identity: Identity) -> Notice:
    """The group was edited, or a source of its values was."""
    return Notice(
        reason="ChartOrValuesChanged", message=f"the chart or the values of spec {identity.spec} have changed"
    )


def template_changed(record: ExperimentRecord, pods: TriggerSnapshot) -> Notice:
    """The pods were replaced by others under the same version label."""
    identity = record.identity
    message = (
        f"the pod template of {identity.trigger} has changed since revision {identity.revision} of version"
        f" {identity.version} was launched"
    )
    if record.images != pods.images and record.images:
        message += f": the images are {', '.join(pods.images)}; they were {', '.join(record.images)}"
    return Notice(reason=TEMPLATE_CHANGED, message=message)


def asked_again(record: ExperimentRecord) -> Notice:
    """Somebody wants the same to be tested once more."""
    identity = record.identity
    message = f"somebody asked for another test of version {identity.version} after revision {identity.revision}"
    return Notice(reason="RetestAsked", message=message)


def duplicate(record: ExperimentRecord) -> Notice:
    """Two live experiments test the same; somebody must have made one by hand."""
    return warning("Duplicate", f"experiment {record.name} tests the same as one with a higher revision, which is kept")


def record_deleted(record: ExperimentRecord) -> Notice:
    """Somebody deletes the record of an experiment that still runs."""
    return Notice(reason=RECORD_DELETED, message=f"the record of experiment {record.name} is being deleted")


def brought_back(record: ExperimentRecord) -> Notice:
    """Somebody deleted the record of a current experiment, and it is there again."""
    verdict, version = record.verdict or "none", record.identity.version
    message = f"somebody deleted this record; its verdict {verdict} is kept, and version {version} is tested again"
    return Notice(reason=RECORD_DELETED, message=message)


def deletion_unfinished(record: ExperimentRecord) -> Notice:
    """A deletion was interrupted; what it began for still counts."""
    message = record.message or f"the deletion of experiment {record.name} was interrupted"
    return Notice(reason=record.reason or "DeletionUnfinished", message=message)


# What is launched and kept.


def tested_again(identity: Identity) -> Notice:
    """The same version was tested before, and something else came in between."""
    message = f"version {identity.version} of {identity.trigger} is tested again, as revision {identity.revision}"
    return Notice(reason="TestedAgain", message=message)


def was_never_launched(record: ExperimentRecord) -> bool:
    """Whether it is recorded, and no more than that."""
    return record.phase is Phase.PENDING and record.launched_at is None and record.verdict is None


def superseded(record: ExperimentRecord, why: str) -> Notice:
    """The next version came before this one could be launched."""
    message = f"version {record.identity.version} was replaced before its experiment could be launched: {why}"
    return Notice(reason="Superseded", message=message)


def taken_up_again(notice: Notice) -> Notice:
    """A launch was interrupted; ``notice`` is what it was for."""
    return replace(notice, message=f"{notice.message}; its launch was interrupted, and is taken up again")


def up_to_date(record: ExperimentRecord) -> Notice:
    """Nothing has changed."""
    message = f"experiment {record.name} tests version {record.identity.version} with this chart and these values"
    return Notice(reason="UpToDate", message=message)


# What was done.


def launched(record: ExperimentRecord, why: str) -> Notice:
    """Its release is installed."""
    message = f"launched experiment {record.name} in namespace {record.namespace}: {why}"
    return Notice(reason="Launched", message=message)


def not_launched(record: ExperimentRecord, reason: str, why: str) -> Notice:
    """Its release cannot be installed, now or later.

    Args:
        record: of the experiment.
        reason: CamelCase: who refused.
        why: what was refused, and what would change it.
    """
    return warning(reason, f"experiment {record.name} cannot be launched: {why}")


def not_allowed(record: ExperimentRecord, why: str) -> Notice:
    """A right is missing that somebody may still give."""
    message = f"experiment {record.name} cannot be launched yet, and is tried again at least once a minute: {why}"
    return warning("Forbidden", message)


def deleted(record: ExperimentRecord, why: str) -> Notice:
    """Its release is uninstalled; the record stays."""
    return Notice(reason="Deleted", message=f"deleted experiment {record.name} in namespace {record.namespace}: {why}")


def _label(trigger: ObjectRef, label: str) -> str:
    resource = f"{trigger.resource}.{trigger.group}" if trigger.group else trigger.resource
    return f"kubectl label --overwrite -n {trigger.namespace} {resource}/{trigger.name} {label}"
