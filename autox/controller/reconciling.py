"""One look at one group: read back, decide, carry out, say how it stands.

Everything that a decision rests on is read anew each time, so it does not matter why the group is looked at: because
its trigger, its spec or its experiments changed, because an earlier look failed, or because a minute has passed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from autox.api.experiments import label_selector
from autox.controller.arriving import look_for_namespace, take_rights
from autox.controller.groups import Groups, Key, KnownGroup
from autox.controller.groupsnapshot import GroupSnapshot, read_group
from autox.controller.groupstatus import READY, Outcome, current_names, status_of, status_of_flaw
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.overlaps import Overlaps
from autox.controller.recorder import Recorder
from autox.controller.steps import Steps
from autox.controller.supervising import FIRST_LOOK, Seen, Supervisor
from autox.core.experiments.deciding import decide_removed
from autox.core.experiments.notice import Notice, warning
from autox.core.experiments.turns import Turns
from autox.core.experiments.wording import QUEUED
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.kube.objects import metadata
from autox.model.decision import Action, Decision
from autox.model.errors import AutoxError, ConflictError, NotFoundError, PermanentError, TransientError
from autox.model.groups import Concurrency, ExperimentGroup
from autox.model.refs import EXPERIMENT_GROUPS
from autox.model.trigger import NAMESPACE_MISSING, TriggerState, TriggerWatch, WatchTrouble
from autox.store.conditions import condition
from autox.store.controllerstatus import MANAGER
from autox.store.records import Recorded, read_records

CALM = ("NotOptedIn", "OptedOut", "Suspended", "TriggerGone", NAMESPACE_MISSING, QUEUED)
"""Why a group waits that works as its owner wants: a trigger may come after its group, and Helm waits for Ready."""

NAMESPACE_PACE = 5.0
"""Seconds after which a namespace that is missing is looked for again."""


class Reconciler:
    """Looks at groups."""

    def __init__(
        self,
        kube: KubeClient,
        groups: Groups,
        steps: Steps,
        supervisor: Supervisor,
        recorder: Recorder,
        *,
        scope: NamespaceScope,
        troubles: Callable[[], Mapping[TriggerWatch, WatchTrouble]],
        were_deleted: Callable[[Key, Collection[str]], Awaitable[bool]],
        now: Callable[[], datetime],
    ) -> None:
        """Prepare.

        Args:
            kube: the client.
            groups: what the keys stand for.
            steps: carries decisions out.
            supervisor: looks after experiments that run.
            recorder: tells Events.
            scope: where experiments may be.
            troubles: which triggers cannot be watched.
            were_deleted: whether somebody deleted any of these records of a group, which are missing.
            now: the wall clock.
        """
        self._kube = kube
        self._groups = groups
        self._steps = steps
        self._supervisor = supervisor
        self._recorder = recorder
        self._scope = scope
        self._overlaps = Overlaps(kube, scope)
        self._troubles = troubles
        self._were_deleted = were_deleted
        self._now = now

    async def reconcile(self, key: Key) -> float | None:
        """Look at the group of a key.

        Returns:
            The seconds after which to look again though nothing happened; None if there is no need.

        Raises:
            AutoxError: it could not be done, or not all of it: try again.
        """
        known = self._groups.get(key)
        if known is None:
            await self._removed(key)
            return None
        if isinstance(known.wanted, Notice):
            await self._give_up(key, known, known.wanted)
            return await self._leave_running(key)
        return await self._look(key, known, known.wanted)

    async def _look(self, key: Key, known: KnownGroup, group: ExperimentGroup) -> float | None:
        try:
            snapshot = await read_group(self._kube, key, group, scope=self._scope)
        except PermanentError as error:
            await self._give_up(key, known, warning("LookFailed", error.advice))
            raise
        missing = current_names(known.object) - {each.record.name for each in snapshot.recorded}
        if missing and await self._were_deleted(key, missing):
            raise ConflictError(f"{', '.join(sorted(missing))} was deleted a moment ago")
        trigger = await look_for_namespace(self._kube, snapshot.trigger)
        snapshot = replace(snapshot, trigger=trigger)
        decisions, in_turn = snapshot.decided(now=self._now())
        work = _Work(snapshot=snapshot, recorded={_key(each): each for each in snapshot.recorded})
        await self._carry_out(work, decisions, in_turn)
        again = await self._supervise(work)
        try:
            await self._overlaps.tell(work.recorded.values())
        except AutoxError as error:
            work.failures.append(("LookFailed", error))
        outcome = self._outcome(work, decisions)
        await self._write(key, known, status_of(outcome, known.object, now=self._now()), outcome.obstacles)
        if work.failures:
            raise work.failures[0][1]
        if trigger.state is TriggerState.UNREADABLE:
            if trigger.reason == "Forbidden" and await take_rights(self._kube, group):
                raise TransientError(f"rights in namespace {group.trigger.namespace} have just been taken")
            raise TransientError(f"{trigger.ref} cannot be read: {trigger.message}")
        if trigger.reason == NAMESPACE_MISSING:
            return min(again or NAMESPACE_PACE, NAMESPACE_PACE)
        return again

    async def _carry_out(self, work: "_Work", decisions: Sequence[Decision], in_turn: Turns) -> None:
        """Delete and launch, the specs side by side and each in order; those that take turns all in one order."""
        is_serial = work.snapshot.group.concurrency is Concurrency.SERIAL
        lanes: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions:
            lanes["" if is_serial and decision.spec in in_turn.deadlines else decision.spec].append(decision)
        await asyncio.gather(*(self._in_order(work, each) for each in lanes.values()))

    async def _in_order(self, work: "_Work", decisions: Sequence[Decision]) -> None:
        failed: set[str] = set()
        is_passed_on = False
        for decision in decisions:
            # NB: nothing is launched before everything stale of its spec is gone.
            if decision.spec in failed:
                continue
            try:
                if decision.action is Action.DELETE:
                    work.put(await self._steps.delete(decision, work.of(decision)))
                elif decision.action is Action.LAUNCH or (is_passed_on and decision.launch is not None):
                    is_passed_on = False
                    await self._launch(work, decision)
            except AutoxError as error:
                # NB: what will fail again must not keep those back that wait their turn behind it.
                is_passed_on = decision.launch is not None and isinstance(error, PermanentError)
                work.failures.append((f"{decision.action.value}Failed", error))
                # An old one of another object holds nothing up: rights there may be gone for good.
                if decision.action is not Action.DELETE or work.is_of_trigger(decision):
                    failed.add(decision.spec)

    async def _launch(self, work: "_Work", decision: Decision) -> None:
        launched = await self._steps.launch(decision, work.snapshot.launchable(decision))
        work.put(launched)
        work.launched.add(_key(launched))

    async def _supervise(self, work: "_Work") -> float | None:
        """Look after what runs; returns when to look again."""
        running = [each for key, each in work.recorded.items() if key not in work.launched]
        looks = await asyncio.gather(*(self._supervisor.look(each) for each in running), return_exceptions=True)
        paces = [FIRST_LOOK] if work.launched else []
        for look in looks:
            if isinstance(look, Seen):
                work.put(look.recorded)
                paces += [] if look.look_again is None else [look.look_again]
            elif isinstance(look, AutoxError):
                work.failures.append(("LookFailed", look))
            else:
                raise look
        return min(paces, default=None)

    def _outcome(self, work: "_Work", decisions: Sequence[Decision]) -> Outcome:
        trouble = self._troubles().get(TriggerWatch.of(work.snapshot.group.trigger, work.snapshot.group.opt_in))
        if work.snapshot.trigger.reason == NAMESPACE_MISSING:
            trouble = None  # Nobody has rights where there is no namespace.
        unwatchable = warning(trouble.reason, trouble.message) if trouble is not None else None
        waits = [each for each in decisions if each.action is Action.WAIT and each.reason not in CALM]
        return Outcome(
            group=work.snapshot.group,
            trigger=work.snapshot.trigger,
            decisions=decisions,
            records=[each.record for each in work.recorded.values()],
            obstacles=[
                *([unwatchable] if unwatchable is not None else []),
                # NB: only the first obstacle is told, and every spec may have something wrong of its own.
                *(
                    [warning(waits[0].reason, "; ".join(dict.fromkeys(each.message for each in waits)))]
                    if waits
                    else []
                ),
                # A conflict is somebody else's turn, and no trouble.
                *(warning(reason, error.advice) for reason, error in work.failures if type(error) is not ConflictError),
            ],
            unwatchable=unwatchable,
        )

    async def _give_up(self, key: Key, known: KnownGroup, flaw: Notice) -> None:
        await self._write(key, known, status_of_flaw(flaw, known.object, now=self._now()), [flaw])

    async def _leave_running(self, key: Key) -> float | None:
        """Nothing is launched or deleted for a group that makes no sense; what runs has its verdict all the same."""
        recorded = await read_records(self._kube, label_selector(*key), self._scope.namespaces)
        looks = await asyncio.gather(*(self._supervisor.look(each) for each in recorded), return_exceptions=True)
        for look in looks:
            if isinstance(look, BaseException):
                raise look
        paces = [look.look_again for look in looks if isinstance(look, Seen) and look.look_again is not None]
        return min(paces, default=None)

    async def _removed(self, key: Key) -> None:
        recorded = await read_records(self._kube, label_selector(*key), self._scope.namespaces)
        decisions = decide_removed([each.record for each in recorded])
        if not decisions or not await self._is_gone(key):
            return
        by_name = {_key(each): each for each in recorded}
        failures: list[AutoxError] = []
        for decision in decisions:
            if decision.record is not None:
                try:
                    await self._steps.delete(decision, by_name[decision.record.namespace, decision.record.name])
                except AutoxError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    async def _is_gone(self, key: Key) -> bool:
        """Whether the group is confirmed not to exist: a watch may be behind, and a deletion is for good."""
        try:
            await self._kube.get_metadata(EXPERIMENT_GROUPS, key[1], namespace=key[0])
        except NotFoundError:
            return await discover(self._kube, EXPERIMENT_GROUPS) is not None
        return False

    async def _write(self, key: Key, known: KnownGroup, status: Mapping[str, Any], obstacles: Sequence[Notice]) -> None:
        """Write the group's status, if it says anything new; then tell what stands in the way, too."""
        before = known.object.get("status") or {}
        if status == before:
            return
        own = metadata(known.object)
        names = {name: own[name] for name in ("namespace", "name", "uid")}
        body = {"metadata": names, "status": status}
        try:
            applied = await self._kube.apply(EXPERIMENT_GROUPS, body, field_manager=MANAGER, subresource="status")
        except (NotFoundError, ConflictError):
            return  # The group was deleted, or is another one by now: its own key comes.
        self._groups.note_status(applied)
        old = condition(known.object, READY)
        for notice in obstacles[:1]:
            if (old.get("reason"), old.get("message")) != (notice.reason, notice.message):
                self._recorder.about_group(key, notice)


@dataclass(slots=True, kw_only=True)
class _Work:
    """One look at a group: what was read, and the records as they become."""

    snapshot: GroupSnapshot
    recorded: dict[Key, Recorded]
    launched: set[Key] = field(default_factory=set)
    failures: list[tuple[str, AutoxError]] = field(default_factory=list)

    def of(self, decision: Decision) -> Recorded:
        """The record that a decision is about."""
        if decision.record is None:
            raise AssertionError("only a decision to delete or keep has a record")
        return self.recorded[decision.record.namespace, decision.record.name]

    def is_of_trigger(self, decision: Decision) -> bool:
        """Whether the record that a decision is about tests what the group tests now."""
        return self.of(decision).record.identity.trigger == self.snapshot.group.trigger

    def put(self, recorded: Recorded) -> None:
        """A record has changed, or is new."""
        self.recorded[_key(recorded)] = recorded


def _key(recorded: Recorded) -> Key:
    return recorded.record.namespace, recorded.record.name
