"""Whose turn it is among the experiments of a group that load: pure, and decided from the records alone.

Two loads at once measure each other, so specs that load run one after another unless the group wants them side by
side. Nothing is kept of a queue: a spec that waits has no record, and whoever looks at the group decides anew whose
turn it is. So that nobody waits for ever:

- a turn is held only by what runs and has no verdict, and for no longer than its deadline;
- a run that has not begun after a minute (a launch that fails, no pod, a Job that somebody suspended) gives its turn
  up;
- loops without an end (a CronJob) neither hold a turn nor wait for one;
- a spec that cannot be launched at all is passed over by whoever carries the decisions out;
- the next is the spec whose latest run is the oldest, so that versions that come fast do not always begin with the
  same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from autox.core.experiments.runwording import POD_WAITING
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase

BEGINNING = timedelta(seconds=60)
CLEANING = timedelta(seconds=60)
_NOT_BEGUN = frozenset({"Starting", "WorkloadAwaited", POD_WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who takes turns.

    Attributes:
        deadlines: by the name of each spec that loads, how long its run may take.
        now: the moment.
    """

    deadlines: Mapping[str, timedelta] = field(default_factory=dict)
    now: datetime | None = None

    def holder(self, records: Iterable[ExperimentRecord]) -> ExperimentRecord | None:
        """Of the experiments that are to stay, the one whose turn it is."""
        return next(filter(self._holds, records), None)

    def order(self, specs: Sequence[str], records: Iterable[ExperimentRecord]) -> list[str]:
        """Those of the specs that load, the one that has waited longest first."""
        latest: dict[str, datetime] = {}
        for record in records:
            spec = record.identity.spec
            latest[spec] = max(record.created_at, latest.get(spec, record.created_at))
        waiting = [spec for spec in specs if spec in self.deadlines]
        # NB: those that never ran come first; of two that are alike, the group's order counts.
        ran = sorted((spec for spec in waiting if spec in latest), key=lambda spec: latest[spec])
        return [spec for spec in waiting if spec not in latest] + ran

    def _holds(self, record: ExperimentRecord) -> bool:
        deadline = self.deadlines.get(record.identity.spec)
        if deadline is None or record.verdict is not None or record.phase not in (Phase.PENDING, Phase.RUNNING):
            return False
        if self.now is None:
            return True
        has_begun = record.launched_at is not None and record.reason not in _NOT_BEGUN
        return self.now - (record.launched_at or record.created_at) < (deadline + CLEANING if has_begun else BEGINNING)
