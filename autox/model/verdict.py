"""The words for how an experiment stands and how it ended."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an experiment found out; only ``PASS`` says that every SLO was met by data."""

    PASS = "Pass"  # noqa: S105  - no password
    FAIL = "Fail"
    WARN = "Warn"
    NO_DATA = "NoData"
    ERROR = "Error"
    INVALID = "Invalid"


class Phase(StrEnum):
    """Where an experiment is in its life."""

    PENDING = "Pending"  # recorded; its release may not be there yet
    RUNNING = "Running"  # its release is there, and a loop is running or, with a CronJob, more will come
    COMPLETED = "Completed"  # it will not run again
    DELETING = "Deleting"  # it is stale for good; its release is being deleted
    DELETED = "Deleted"  # its release was deleted; the record is kept
