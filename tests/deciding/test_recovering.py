"""A release that an interrupted Helm left behind is taken away, and one that Helm works on is not."""

from datetime import timedelta

import pytest

from autox.core.recovering import Remedy, remedy

PATIENCE = timedelta(seconds=60)
YOUNG, OLD = timedelta(seconds=60), timedelta(seconds=61)


@pytest.mark.parametrize(
    ("status", "young", "old"),
    [
        ("deployed", Remedy.NOTHING, Remedy.NOTHING),
        ("pending-install", Remedy.WAIT, Remedy.UNINSTALL),
        ("pending-upgrade", Remedy.WAIT, Remedy.UNINSTALL),
        ("pending-rollback", Remedy.WAIT, Remedy.UNINSTALL),
        ("uninstalling", Remedy.WAIT, Remedy.UNINSTALL),
        ("failed", Remedy.UNINSTALL, Remedy.UNINSTALL),
        ("uninstalled", Remedy.UNINSTALL, Remedy.UNINSTALL),
        ("superseded", Remedy.NOTHING, Remedy.NOTHING),
        ("unknown", Remedy.WAIT, Remedy.NOTHING),
        ("", Remedy.WAIT, Remedy.NOTHING),
    ],
)
def test_each_status_has_its_remedy(status: str, young: Remedy, old: Remedy) -> None:
    """A pending release is given as long as Helm may take, and not longer."""
    assert remedy(status, age=YOUNG, patience=PATIENCE, is_ours=True) is young
    assert remedy(status, age=OLD, patience=PATIENCE, is_ours=True) is old
    assert remedy(status, age=-OLD, patience=PATIENCE, is_ours=True) is young


def test_what_is_not_ours_is_left_alone() -> None:
    """Somebody else's release may be stuck for years: autox never touches it."""
    for status in ("pending-install", "failed", "deployed", "uninstalling"):
        assert remedy(status, age=OLD, patience=PATIENCE, is_ours=False) is Remedy.NOTHING
