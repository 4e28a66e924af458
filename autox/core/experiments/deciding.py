"""What to do about an experiment group, decided from its trigger and its records as they are now and nothing else.

No event, no memory and no clock come in, so missed, repeated and reordered events change nothing, and a restart of
the controller decides what the one before it would have decided.

Whoever carries the decisions out keeps to this, and then no crash between two of its steps gives zero or two runs
(``tests/deciding/test_crashes.py`` tries them all):

- The records are listed from the API server, never taken from a cache that may lag behind what was written.
- Delete: record phase ``Deleting`` with the decision's reason, uninstall the release, record phase ``Deleted``.
  Without the first step a crash after the uninstall, and a version that comes back meanwhile, would leave a record
  that looks alive and a release that is gone.
- Launch: create the record (one that is there already is no error), look whether it is still ``Pending``; install the
  release (idempotent; what was made for another record of that name, by its uid, is removed first, and a Job that was
  made for this one is the run, whatever the release says); record ``Running`` and ``launchedAt``. A record in any later
  phase was hidden from the list (somebody took its labels away): its name is used up, and nothing is installed.
- A Launch is carried out after every Delete of its spec has succeeded, and of specs that take turns after every Delete
  of the others was tried.
- One worker at a time for one group.

Rejected: comparing old with new objects (Iter8's first design; forgets whatever happens while nobody looks), and
Iter8's later rule that a failed read of the trigger means that it is gone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autox.core.experiments import wording
from autox.core.experiments.naming import experiment_name
from autox.core.experiments.notice import Notice, warning
from autox.core.experiments.templates import is_another
from autox.core.experiments.turns import Turns
from autox.model.decision import Action, Decision
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import Concurrency, ExperimentGroup, Retest
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.model.verdict import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTrouble:
    """Why the values of an experiment spec are not known: a Secret that is missing or cannot be read.

    Attributes:
        reason: CamelCase.
        message: the same for people, with what to do about it; never a value.
    """

    reason: str
    message: str


def decide(
    group: ExperimentGroup,
    trigger: TriggerSnapshot,
    records: Sequence[ExperimentRecord],
    digests: Mapping[str, str | DigestTrouble],
    turns: Turns = Turns(),  # noqa: B008  - frozen
) -> tuple[Decision, ...]:
    """Conclude what is to be done for a group.

    Args:
        group: what is wanted.
        trigger: the group's trigger as it was read back.
        records: every experiment of the group, in any phase; records of other groups among them are passed over.
        digests: by spec name, of the chart and the values in effect.
        turns: which specs load, and so run one after another where the group wants that.

    Returns:
        First every Delete, then for each spec of the group, in the group's order, exactly one of Launch, Keep, Wait
        and Ignore.
    """
    if group.suspend:
        return tuple(_decision(Action.IGNORE, spec.name, wording.suspended()) for spec in group.specs)
    if trigger.state is TriggerState.UNREADABLE:
        return tuple(_decision(Action.WAIT, spec.name, wording.trigger_unreadable(trigger)) for spec in group.specs)
    by_spec: dict[str, list[ExperimentRecord]] = {spec.name: [] for spec in group.specs}
    of_no_spec: list[ExperimentRecord] = []
    for record in records:
        if (record.identity.group_namespace, record.identity.group) == group.key:
            by_spec.get(record.identity.spec, of_no_spec).append(record)
    deletes = _deletes(of_no_spec, lambda record: wording.spec_removed(record.identity))
    others = []
    obstacle = _obstacle(group, trigger)
    for spec, of_spec in by_spec.items():
        if obstacle is not None:
            deletes += _deletes(of_spec, lambda _: obstacle)
            others.append(_decision(Action.WAIT, spec, obstacle))
        else:
            pods = trigger if group.retest is Retest.ON_TEMPLATE_CHANGE else replace(trigger, template="", images=())
            stale, other = _decide_spec(_wanted(group, trigger, spec), digests[spec], of_spec, pods)
            deletes += stale
            others.append(other)
    if group.concurrency is Concurrency.SERIAL:
        others = _in_turn(others, records, turns)
    return (*deletes, *others)


def decide_removed(records: Iterable[ExperimentRecord]) -> tuple[Decision, ...]:
    """Conclude what is to be done about the experiments of a group that is there no more: delete them all."""
    return tuple(_deletes(records, lambda record: wording.group_removed(record.identity)))


def is_of_other_pods(record: ExperimentRecord, group: ExperimentGroup, trigger: TriggerSnapshot) -> bool:
    """Whether an experiment says nothing about its trigger's pods as they are now, though the version is the same.

    Args:
        record: of the trigger's present version.
        group: says whether other pods of one version are tested again; if not, the answer is no.
        trigger: as it is now.
    """
    return group.retest is Retest.ON_TEMPLATE_CHANGE and _other_pods(record, trigger) is not None


def is_live(record: ExperimentRecord) -> bool:
    """Whether an experiment counts as the current one of its spec: it is neither deleted nor about to be."""
    return record.phase not in (Phase.DELETING, Phase.DELETED) and not record.is_deleting


def _obstacle(group: ExperimentGroup, trigger: TriggerSnapshot) -> Notice | None:
    """Why nothing may run for a trigger that was read back or is known to be gone."""
    if trigger.state is TriggerState.ABSENT:
        return wording.trigger_gone(trigger)
    if group.opt_in is not None and not group.is_opted_in(trigger.labels):
        value = trigger.labels.get(group.opt_in.label)
        if value is None:
            return wording.not_opted_in(group.trigger, group.opt_in)
        return wording.opted_out(group.trigger, group.opt_in, value)
    version = trigger.labels.get(group.version_label)
    if not version:
        is_empty, has_asked = version is not None, group.opt_in is not None
        return wording.version_missing(group.trigger, group.version_label, is_empty=is_empty, has_asked=has_asked)
    return None


def _wanted(group: ExperimentGroup, trigger: TriggerSnapshot, spec: str) -> Identity:
    """What should run, but for its digest and its revision."""
    return Identity(
        group_namespace=group.namespace,
        group=group.name,
        spec=spec,
        trigger=group.trigger,
        trigger_uid=trigger.uid,
        version=trigger.labels[group.version_label],
        digest="",
    )


def _decide_spec(
    subject: Identity,
    digest: str | DigestTrouble,
    records: Sequence[ExperimentRecord],
    pods: TriggerSnapshot,
) -> tuple[list[Decision], Decision]:
    """What to delete of one spec, and what to do then; ``pods`` says which pods are to be tested, if it matters."""
    if isinstance(digest, DigestTrouble):
        # NB: while nobody knows the values, an experiment that differs in nothing else may be the right one.
        deletes = _deletes(
            records,
            lambda each: _difference(each, replace(subject, digest=each.identity.digest)) or _other_pods(each, pods),
        )
        return deletes, _decision(Action.WAIT, subject.spec, warning(digest.reason, digest.message))
    wanted = replace(subject, digest=digest)
    alike = [each for each in records if _difference(each, wanted) is None]
    current = [each for each in alike if is_live(each) and _outdated(each, pods) is None]
    kept = max(current, key=_revision, default=None)
    deletes = _deletes(
        (each for each in records if each is not kept),
        lambda each: _difference(each, wanted) or _outdated(each, pods) or wording.duplicate(each),
    )
    # NB: a verdict may be there already, of a run whose launch nobody confirmed.
    if kept is not None and not (kept.phase is Phase.PENDING and kept.launched_at is None):
        return deletes, _decision(Action.KEEP, subject.spec, wording.up_to_date(kept), record=kept)
    # NB: a launch that was interrupted has the reason it had at first: that its record is there is none.
    others = [each for each in records if each is not kept]
    past = [each for each in alike if each is not kept]
    revision = 1 + max(map(_revision, past), default=0)
    identity = kept.identity if kept is not None else replace(wanted, revision=revision)
    return deletes, _launch(identity, others, _replaced(past, pods), interrupted=kept)


def _in_turn(others: Sequence[Decision], records: Sequence[ExperimentRecord], turns: Turns) -> list[Decision]:
    """The same, but that launches which would load beside another one wait."""
    kept = [each.record for each in others if each.record is not None]
    holder = turns.holder(kept)
    new = {each.spec: each for each in others if each.action is Action.LAUNCH and each.record is None}
    queue = turns.order([*new], records)
    waits = queue if holder is not None else queue[1:]
    ahead = holder.name if holder is not None else f"that of spec {queue[0]}" if queue else ""
    notices = {spec: wording.queued(spec, ahead) for spec in waits}
    # NB: what waits says what it would launch: its turn has come at once if those before it cannot be launched.
    return [
        replace(each, action=Action.WAIT, reason=notice.reason, message=notice.advice)
        if (notice := notices.get(each.spec)) is not None
        else each
        for each in others
    ]


def _difference(record: ExperimentRecord, wanted: Identity) -> Notice | None:
    """Why an experiment is not the wanted one; None if it is, whatever its revision."""
    old = record.identity
    if old.trigger != wanted.trigger:
        return wording.trigger_changed(old, wanted)
    if old.trigger_uid != wanted.trigger_uid:
        return wording.trigger_replaced(old, wanted)
    if old.version != wanted.version:
        return wording.new_version(wanted, old=old.version)
    if old.digest != wanted.digest:
        return wording.chart_or_values_changed(wanted)
    return None


def _outdated(record: ExperimentRecord, pods: TriggerSnapshot) -> Notice | None:
    """Why an experiment that differs in nothing else is to be followed by the next revision; None if it is not."""
    replaced = _other_pods(record, pods)
    return wording.asked_again(record) if replaced is None and record.is_asked_again else replaced


def _other_pods(record: ExperimentRecord, pods: TriggerSnapshot) -> Notice | None:
    """Why an experiment of the wanted version did not test the pods that run now; None if it may have."""
    is_replaced = is_another(record.template, pods.template)
    if not record.template and pods.template:
        # NB: a record from before templates were recorded; its images are the most that is known.
        is_replaced = bool(record.images and pods.images) and record.images != pods.images
    return wording.template_changed(record, pods) if is_replaced else None


def _replaced(alike: Sequence[ExperimentRecord], pods: TriggerSnapshot) -> Notice | None:
    """Why the latest of those that differ in nothing else is not enough."""
    latest = max(alike, key=_revision, default=None)
    return None if latest is None else _outdated(latest, pods)


def _revision(record: ExperimentRecord) -> int:
    return record.identity.revision


def _deletes(records: Iterable[ExperimentRecord], why: Callable[[ExperimentRecord], Notice | None]) -> list[Decision]:
    """Delete those that there is a reason for, and finish every deletion that was begun."""
    return [
        _decision(Action.DELETE, record.identity.spec, notice, record=record)
        for record in records
        if record.phase is not Phase.DELETED and (notice := _ending(record) or why(record)) is not None
    ]


def _ending(record: ExperimentRecord) -> Notice | None:
    """Why an experiment has to end whatever is wanted now."""
    if record.phase is Phase.DELETING:
        return wording.deletion_unfinished(record)
    return wording.record_deleted(record) if record.is_deleting else None


def _launch(
    identity: Identity,
    records: Sequence[ExperimentRecord],
    replaced: Notice | None,
    *,
    interrupted: ExperimentRecord | None,
) -> Decision:
    """An experiment that is not there yet, or whose launch was interrupted, and what made it one."""
    latest = max(records, key=lambda each: (each.created_at, each.name), default=None)
    if identity.revision > 1:
        notice = replaced or wording.tested_again(identity)
    elif latest is not None:
        notice = _difference(latest, identity) or wording.new_version(identity)
    else:
        notice = wording.new_version(identity)
    if interrupted is not None:
        notice = wording.taken_up_again(notice)
    name = experiment_name(identity) if interrupted is None else interrupted.name
    return _decision(Action.LAUNCH, identity.spec, notice, launch=identity, name=name, record=interrupted)


def _decision(
    action: Action,
    spec: str,
    notice: Notice,
    *,
    launch: Identity | None = None,
    name: str = "",
    record: ExperimentRecord | None = None,
) -> Decision:
    message = notice.message if action is Action.DELETE else notice.advice
    return Decision(
        action=action, spec=spec, reason=notice.reason, message=message, launch=launch, name=name, record=record
    )
