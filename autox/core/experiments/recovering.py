"""What to do about a Helm release that is not simply there, as a table.

Helm records what it is about to do before it does it. If it is killed in between, the release says ``pending-install``
for ever, and Helm refuses to touch it; if it is killed, or fails, after the Job was made, the release says that nothing
came of it while the experiment runs. So what a release says is not what ran: its Job does, and one that was made is the
run, whatever Helm thought of it. Where there is none, time decides, since no Helm of ours runs longer than its limit;
too early a rescue pulls a release from under a Helm that works.

Rejected: pyhelm3's rule that any pending release was abandoned; and time alone, which removed experiments that had run.
"""

from datetime import timedelta
from enum import StrEnum


class Remedy(StrEnum):
    """What helps."""

    NOTHING = "Nothing"  # it is as it should be, or it is not ours
    WAIT = "Wait"  # Helm may still be at work on it
    ADOPT = "Adopt"  # what it was to run runs or ran: it is there, and its own word is put right
    UNINSTALL = "Uninstall"  # nothing will become of it; whoever wants it installs it again


# Status of the release: what to do while Helm may be at work, and what when it cannot be any more.
_REMEDIES = {
    "deployed": (Remedy.NOTHING, Remedy.NOTHING),
    "failed": (Remedy.UNINSTALL, Remedy.UNINSTALL),
    "pending-install": (Remedy.WAIT, Remedy.UNINSTALL),
    "pending-upgrade": (Remedy.WAIT, Remedy.UNINSTALL),
    "pending-rollback": (Remedy.WAIT, Remedy.UNINSTALL),
    "uninstalling": (Remedy.WAIT, Remedy.UNINSTALL),
    "superseded": (Remedy.NOTHING, Remedy.NOTHING),
    "uninstalled": (Remedy.UNINSTALL, Remedy.UNINSTALL),  # somebody's ``helm uninstall --keep-history``
}
_COMING = frozenset({"failed", "pending-install", "pending-upgrade", "pending-rollback"})
"""Of a release that was to come, a Job is what it was for; of one that was to go, it is what is left."""


def is_certain(status: str) -> bool:
    """Whether the release is there by its own word, and nobody needs to look what it has made."""
    return _REMEDIES.get(status) == (Remedy.NOTHING, Remedy.NOTHING)


def remedy(status: str, *, age: timedelta, patience: timedelta, is_ours: bool, has_run: bool) -> Remedy:
    """What to do about a release.

    Args:
        status: as Helm's storage has it; one that nobody has heard of is waited for and then left alone.
        age: how long ago Helm last wrote it; negative if clocks disagree.
        patience: longer than any Helm of ours runs.
        is_ours: it carries the label of its experiment; any other release is never touched.
        has_run: the Job or CronJob that it was to make is there.
    """
    if not is_ours:
        return Remedy.NOTHING
    if has_run and status in _COMING:
        return Remedy.ADOPT
    young, old = _REMEDIES.get(status, (Remedy.WAIT, Remedy.NOTHING))
    return old if age > patience else young
