"""Looks after experiments that run: what their runner said, what became of their Job, and what that means."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autox.api.runstatus import FIELD_MANAGER
from autox.controller import workloads
from autox.controller.experimentstatus import Standing, given_by_us
from autox.controller.reading import Recorded
from autox.controller.records import Records
from autox.controller.telling import Teller
from autox.core.deciding import is_live
from autox.core.progressing import Progress, Remedy, RunnerFacts, WorkloadFacts, WorkloadKind, progress
from autox.core.wording import INTERRUPTED, TROUBLES, WITH_WORKLOAD, Notice
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase, Verdict

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

    def __init__(self, kube: KubeClient, records: Records, teller: Teller, *, now: Callable[[], datetime]) -> None:
        """Prepare.

        Args:
            kube: the client.
            records: where it is said how they stand.
            teller: tells the Events.
            now: the wall clock.
        """
        self._kube = kube
        self._records = records
        self._teller = teller
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
            interrupted = _runner(recorded.object).reason == INTERRUPTED
            workload = await workloads.read_workload(self._kube, record, interrupted=interrupted)
            try:
                recorded = await self._records.read(record.namespace, record.name)
            except NotFoundError:
                # Somebody has deleted the record this moment, and its own news come.
                return Seen(recorded=recorded)
        elif _runner(recorded.object).verdict is None:
            return Seen(recorded=recorded)
        found = progress(recorded.record, _runner(recorded.object), workload, self._now())
        if found.remedy is Remedy.STOP:
            # NB: first, and with the reason: a crash leaves that on the Job, and nothing begins after its verdict.
            await workloads.stop(self._kube, record.namespace, workload, reason=found.reason, message=found.message)
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
            await workloads.remove(self._kube, record.namespace, workload)
        self._tell(recorded.record, marked.record, found)
        return Seen(recorded=marked, look_again=self._pace(marked.record, found))

    def _tell(self, before: ExperimentRecord, after: ExperimentRecord, found: Progress) -> None:
        is_news = (before.phase, before.reason, before.message) != (found.phase, found.reason, found.message)
        if is_news and found.reason not in _QUIET:
            is_good = after.verdict is Verdict.PASS
            notice = Notice(reason=found.reason, message=found.message, type="Normal" if is_good else "Warning")
            self._teller.about(after, notice)

    def _pace(self, record: ExperimentRecord, found: Progress) -> float | None:
        if found.phase is not Phase.RUNNING or record.launched_at is None:
            return None
        age = (self._now() - record.launched_at).total_seconds()
        pace = min(max(age / 4, FIRST_LOOK), LONGEST_LOOK)
        return pace if found.look_again is None else min(pace, max(found.look_again, 0.1))


def _runner(obj: Object) -> RunnerFacts:
    """What the runner wrote into a record."""
    status: dict[str, Any] = obj.get("status") or {}
    verdict = status.get("verdict")
    result = status.get("result") or {}
    if given_by_us(obj) is not None:
        verdict = None
    # The result is that of the latest loop that has ended, and no other loop began at the same microsecond.
    is_under_way = "completedAt" not in status or status.get("startedAt") != result.get("startedAt")
    return RunnerFacts(
        verdict=None if verdict is None else Verdict(verdict),
        reason=str(result.get("reason") or ""),
        message=str(result.get("message") or ""),
        started_at=_moment(status.get("startedAt")),
        told_at=None if is_under_way else _moment(_written_at(obj)),
    )


def _written_at(obj: Object) -> Any:
    """When the runner last wrote into a record, as the API server says; None if it never has."""
    managers = metadata(obj).get("managedFields") or ()
    return next((each.get("time") for each in managers if each.get("manager") == FIELD_MANAGER), None)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
