"""What is known of an experiment's run: how its Job or CronJob looks, and what its runner said. Pure values.

``progressing`` concludes from them how the experiment stands; the store reads them from the cluster.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from autox.model.verdict import Verdict

DEADLINE = "DeadlineExceeded"  # the reason of a Job that was ended because its time was over
BACKOFF = "BackoffLimitExceeded"  # of one whose pods failed too often
NOT_SCHEDULED, SUSPENDED = "NotScheduled", "Suspended"  # why a pod waits, and why somebody wants it to
START_TIMEOUT = timedelta(minutes=5)  # until the first container runs, where nobody says otherwise


class WorkloadKind(StrEnum):
    """What a release runs."""

    JOB = "Job"
    CRON_JOB = "CronJob"
    NONE = "None"  # neither was found


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFacts:
    """What the Job looks like; of a CronJob, its latest Job.

    Attributes:
        kind: what there is.
        name: of the Job; empty if there is none.
        uid: the same.
        active: how many pods run or wait.
        succeeded: how many pods ended well.
        failure_reason: why the Job failed for good; empty if it has not.
        failure_message: the same for people.
        waiting_reason: why there is no pod, or it does not start: ``FailedCreate``, ``Unschedulable``,
            ``ErrImagePull``; empty if nobody says.
        waiting_message: the same for people.
        has_begun: whether a container of it runs or has run, or one that prepares runs.
        since: since when it should begin; None where nobody wants that yet.
        start_timeout: within this it must begin.
        stopped_reason: why we have ended it; empty if we have not.
        stopped_message: the same for people.
        disruption: why a pod was taken from its node, evicted for one, in words; empty if none was.
        node: of its pod; empty if it has none.
        is_silent: whether the control plane has given up that node for not answering.
        due: when that node should have ended the pod at the latest; None while nobody wants that.
        started_at: when the Job began; None if there is none.
        ended_at: when it ended, well or not; None while it has not.
        held_reason: of a CronJob: why it makes no Job; empty if nothing keeps it from it.
        held_message: the same for people.
        held_since: since when; None where somebody wants it so.
    """

    kind: WorkloadKind
    name: str = ""
    uid: str = ""
    active: int = 0
    succeeded: int = 0
    failure_reason: str = ""
    failure_message: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    has_begun: bool = True
    since: datetime | None = None
    start_timeout: timedelta = START_TIMEOUT
    stopped_reason: str = ""
    stopped_message: str = ""
    disruption: str = ""
    node: str = ""
    is_silent: bool = False
    due: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    held_reason: str = ""
    held_message: str = ""
    held_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFacts:
    """What the runner wrote into the record.

    Attributes:
        verdict: of its latest loop; None if none has ended. One that the controller gave is not the runner's.
        reason: of the verdict, CamelCase.
        message: the same for people.
        started_at: when the latest loop began; None if none has.
        told_at: when the API server took what the latest loop ended with, by its own clock, which it shares with the
            workload's; None while a loop is under way, or where none has ended.
    """

    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    told_at: datetime | None = None
