"""Looks after experiments that run: what their runner said, what became of their Job, and what that means."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from autox.controller.recorder import Recorder
from autox.core.experiments.deciding import is_live
from autox.core.experiments.notice import Notice
from autox.core.experiments.progressing import Progress, Remedy, progress
from autox.core.experiments.runfacts import WorkloadFacts, WorkloadKind
from autox.core.experiments.runwording import INTERRUPTED, TROUBLES, WITH_WORKLOAD
from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase, Verdict
from autox.store.controllerstatus import Standing
from autox.store.records import Recorded, Records
from autox.store.runnerstatus import runner_facts
from autox.store.workloads import jobs

FIRST_LOOK, LONGEST_LOOK = 2.0, 30.0
"""Seconds between looks at a Job. What the runner says comes by a watch; this is for Jobs that cannot say a word."""

_QUIET = (WITH_WORKLOAD - TROUBLES) | {"WorkloadAwaited"}
"""How an experiment stands on its way; no Event tells these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An experiment after a look at it.

    Attributes:
        recorded: its record as it is now.
        look_again: seconds after which it may stand differently; None if only news can change that.
    """

    recorded: Recorded
    look_again: float | None = None


class Supervisor:
    """Looks at experiments."""

    def __init__(self, kube: KubeClient, records: Records, recorder: Recorder, *, now: Callable[[], datetime]) -> None:
        """Prepare.

        Args:
            kube: the client.
            records: where it is said how they stand.
            recorder: tells the Events.
            now: the wall clock.
        """
        self._kube = kube
        self._records = records
        self._recorder = recorder
        self._now = now

    async def look(self, recorded: Recorded) -> Seen:
        """Say how an experiment stands; nothing is read or written of one that does not live.

        Raises:
            AutoxError: its Job could not be read, or its record not be written.
        """
        record = recorded.record
        if not is_live(record) or record.launched_at is None:
            return Seen(recorded=recorded)
        workload = WorkloadFacts(kind=WorkloadKind.JOB)
        if record.phase is Phase.RUNNING:
            # NB: in this order; a result that came in between would be missed in the other.
            interrupted = runner_facts(recorded.object).reason == INTERRUPTED
            workload = await jobs.read_workload(self._kube, record, interrupted=interrupted)
            try:
                recorded = await self._records.read(record.namespace, record.name)
            except NotFoundError:
                # Somebody has deleted the record this moment, and its own news come.
                return Seen(recorded=recorded)
        elif runner_facts(recorded.object).verdict is None:
            return Seen(recorded=recorded)
        found = progress(recorded.record, runner_facts(recorded.object), workload, self._now())
        if found.remedy is Remedy.STOP:
            # NB: first, and with the reason: a crash leaves that on the Job, and nothing begins after its verdict.
            await jobs.stop(self._kube, record.namespace, workload, reason=found.reason, message=found.message)
        marked = await self._records.mark(
            recorded,
            Standing(
                phase=found.phase,
                reason=found.reason,
                message=found.message,
                launched_at=recorded.record.launched_at,
                verdict=found.verdict,
            ),
        )
        if found.remedy is Remedy.REMOVE:
            # NB: last: with the Job goes what tells why.
            await jobs.remove(self._kube, record.namespace, workload)
        self._tell(recorded.record, marked.record, found)
        return Seen(recorded=marked, look_again=self._pace(marked.record, found))

    def _tell(self, before: ExperimentRecord, after: ExperimentRecord, found: Progress) -> None:
        is_news = (before.phase, before.reason, before.message) != (found.phase, found.reason, found.message)
        if is_news and found.reason not in _QUIET:
            is_good = after.verdict is Verdict.PASS
            notice = Notice(reason=found.reason, message=found.message, type="Normal" if is_good else "Warning")
            self._recorder.about(after, notice)

    def _pace(self, record: ExperimentRecord, found: Progress) -> float | None:
        if found.phase is not Phase.RUNNING or record.launched_at is None:
            return None
        age = (self._now() - record.launched_at).total_seconds()
        pace = min(max(age / 4, FIRST_LOOK), LONGEST_LOOK)
        return pace if found.look_again is None else min(pace, max(found.look_again, 0.1))
