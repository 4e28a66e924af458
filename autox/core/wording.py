"""Every reason and message that people read about groups and experiments, in one place.

Reasons are CamelCase words that scripts may compare; messages say what was seen, where, and what would change it.
The same notice stands in the group's status, in the record's conditions and in an Event, so that whoever looks in
one of these places reads the same sentence. How loud an Event is follows from the reason alone.

Of what they take, ``name`` and ``record`` are those of the experiment; ``reason`` is a word of Kubernetes, the runner
or ours, and ``message`` the same for people, which may be empty; ``why`` ends a sentence. No function here is given
chart values: they may hold secrets.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import OptIn
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerSnapshot
from autox.model.verdict import Phase, Verdict

NoticeType = Literal["Normal", "Warning"]

INTERRUPTED = "Interrupted"
"""The reason of a runner that was told to end before its tasks had."""

QUEUED = "Queued"
"""The reason of a spec that waits for the load of another one to end."""

TEMPLATE_CHANGED = "TemplateChanged"
"""The reason of an experiment whose pods were replaced by others of the same version."""

REPLACED_IN_MID_TEST = "the pods were replaced in mid-test"
"""Why the figures of a run are of no version: begins a message."""

NEW_VERSION = "NewVersion"
"""The reason of what is done because the trigger has another version."""

RUNNING = "Running"
"""The reason of an experiment of which a container runs or has run."""

RECORD_DELETED = "RecordDeleted"
"""The reason of an experiment whose record somebody deletes by hand."""

POD_WAITING = "PodWaiting"
"""The reason of an experiment that runs, and whose pod is not there or does not start."""

NODE_SILENT, NO_LOOP = "NodeNotReady", "NoLoop"
"""The reasons of one whose node does not answer, and of one whose CronJob makes no Job."""

TROUBLES = frozenset({POD_WAITING, NODE_SILENT, NO_LOOP})
"""The reasons of experiments that wait for somebody to mend something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told.

    Attributes:
        reason: CamelCase.
        message: what was seen.
        type: of the Event that tells it.
        remedy: what would change it, for as long as somebody waits for that; empty if nothing needs to change.
    """

    reason: str
    message: str
    type: NoticeType = "Normal"
    remedy: str = ""

    @property
    def advice(self) -> str:
        """The message and what would change it."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


def warning(reason: str, message: str, *, remedy: str = "") -> Notice:
    """A notice that somebody should do something about."""
    return Notice(reason=reason, message=message, type="Warning", remedy=remedy)


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
    """The opt-in label has another value."""
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
    """Its release cannot be installed, now or later."""
    return warning(reason, f"experiment {record.name} cannot be launched: {why}")


def not_allowed(record: ExperimentRecord, why: str) -> Notice:
    """A right is missing that somebody may still give."""
    message = f"experiment {record.name} cannot be launched yet, and is tried again at least once a minute: {why}"
    return warning("Forbidden", message)


def deleted(record: ExperimentRecord, why: str) -> Notice:
    """Its release is uninstalled; the record stays."""
    return Notice(reason="Deleted", message=f"deleted experiment {record.name} in namespace {record.namespace}: {why}")


# What has become of an experiment.


def judged(verdict: Verdict, reason: str, message: str) -> Notice:
    """A loop has ended with a verdict."""
    kind: NoticeType = "Normal" if verdict is Verdict.PASS else "Warning"
    return Notice(reason=reason or verdict.value, message=message or f"the verdict is {verdict}", type=kind)


def interrupted(verdict: Verdict, message: str, disruption: str) -> Notice:
    """The runner was told to end, and its pod says by whom."""
    return warning(INTERRUPTED, f"{message or f'the verdict is {verdict}'}: {disruption}")


def running(name: str, *, has_pod: bool, has_begun: bool) -> Notice:
    """A loop is under way, or about to be."""
    if has_begun:
        what = f"the Job of {name} runs" if has_pod else f"the pod of {name} has gone, and its Job goes on or ends soon"
        return Notice(reason=RUNNING, message=what)
    what = f"the pod of {name} starts" if has_pod else f"the Job of {name} has no pod yet"
    return Notice(reason="Starting", message=what)


def scheduled(name: str) -> Notice:
    """No loop has begun."""
    return Notice(reason="Scheduled", message=f"the CronJob of {name} waits for its schedule")


def pod_waiting(name: str, reason: str, message: str) -> Notice:
    """A pod does not start."""
    return warning(POD_WAITING, f"the pod of {name} does not start: {_with_reason(reason, message)}")


def not_started(name: str, limit: timedelta, reason: str, message: str) -> Notice:
    """Nothing has begun in time, and is ended before it does."""
    why = _with_reason(reason, message) if reason else "nobody says why; do the controller manager and its node run?"
    took = f"{limit.total_seconds():.0f} s"
    return warning("StartTimeout", f"the Job of {name} was ended, since nothing of it ran within {took}: {why}")


def node_silent(name: str, node: str) -> Notice:
    """The control plane has not heard of a node for a while, and will give up its pods."""
    return warning(
        NODE_SILENT, f"node {node} of the pod of {name} does not answer; unless it comes back, its pod is given up"
    )


def node_lost(name: str, node: str, why: str) -> Notice:
    """Nobody can end a pod, or say whether it has ended.

    Args:
        name: of the experiment.
        node: of its pod; empty if nobody knows it.
        why: what took the pod from its node or failed its Job, in words; may be empty.
    """
    because = f" ({why})" if why else ""
    message = f"node {node or 'unknown'} of the pod of {name} does not answer, and whether it still runs nobody knows"
    return warning("NodeLost", f"{message}{because}")


def no_loop(name: str, reason: str, message: str) -> Notice:
    """A CronJob that makes no Job."""
    return warning(NO_LOOP, f"CronJob {name} begins no loop: {_with_reason(reason, message)}")


def result_awaited(name: str) -> Notice:
    """The Job has ended just now."""
    return Notice(reason="ResultAwaited", message=f"the Job of {name} has ended; its result is awaited")


WITH_WORKLOAD = frozenset({RUNNING, "Starting", "Scheduled", "ResultAwaited"}) | TROUBLES
"""The reasons of experiments whose Job or CronJob was seen."""


def job_failed(name: str, reason: str, message: str, *, before: str = "") -> Notice:
    """The Job ended badly, and left no result."""
    told = f"{message or reason}; {before}" if before else message or reason
    return warning(reason, f"the Job of {name} failed and left no result: {told}")


def no_result(name: str) -> Notice:
    """The Job ended well, and left no result: it is of a foreign chart, or could not write it."""
    return warning("NoResult", f"the Job of {name} succeeded and left no result in the experiment's status")


def workload_vanished(name: str) -> Notice:
    """Somebody deleted the Job or CronJob, or the whole release; or the Job asked to be deleted when it had ended."""
    told = f"the Job or CronJob of {name} was deleted, and not by autox, without a result"
    return warning("WorkloadVanished", f"{told} (Kubernetes itself does that after ttlSecondsAfterFinished)")


def workload_awaited(name: str) -> Notice:
    """The release was installed just now."""
    return Notice(reason="WorkloadAwaited", message=f"the release {name} is installed; its Job or CronJob is awaited")


def no_workload(name: str) -> Notice:
    """The release runs nothing."""
    return warning(
        "NoWorkload", f"the release {name} has no Job or CronJob, and so nothing is tested; its runner may be none"
    )


def _with_reason(reason: str, message: str) -> str:
    return f"{reason}: {message}" if message else reason


def _label(trigger: ObjectRef, label: str) -> str:
    resource = f"{trigger.resource}.{trigger.group}" if trigger.group else trigger.resource
    return f"kubectl label --overwrite -n {trigger.namespace} {resource}/{trigger.name} {label}"
