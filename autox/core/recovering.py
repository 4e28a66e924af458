"""What to do about a Helm release that is not simply there, as a table.

Helm records what it is about to do before it does it. If it is killed in between, the release says ``pending-install``
for ever, and Helm refuses to touch it. Too early a rescue is worse: it pulls a release from under a Helm that works.
Time decides, since no Helm of ours runs longer than its limit.

Rejected: pyhelm3's rule that any pending release was abandoned.
"""

from datetime import timedelta
from enum import StrEnum


class Remedy(StrEnum):
    """What helps."""

    NOTHING = "Nothing"  # it is as it should be, or it is not ours
    WAIT = "Wait"  # Helm may still be at work on it
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


def remedy(status: str, *, age: timedelta, patience: timedelta, is_ours: bool) -> Remedy:
    """What to do about a release.

    Args:
        status: as Helm's storage has it; one that nobody has heard of is waited for and then left alone.
        age: how long ago Helm last wrote it; negative if clocks disagree.
        patience: longer than any Helm of ours runs.
        is_ours: it carries the label of its experiment; any other release is never touched.
    """
    if not is_ours:
        return Remedy.NOTHING
    young, old = _REMEDIES.get(status, (Remedy.WAIT, Remedy.NOTHING))
    return old if age > patience else young
