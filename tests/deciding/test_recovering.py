"""A release that an interrupted Helm left behind is taken away, and one that Helm works on is not."""

from datetime import timedelta

import pytest

from autox.core.experiments.recovering import Remedy, remedy

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
    assert remedy(status, age=YOUNG, patience=PATIENCE, is_ours=True, has_run=False) is young
    assert remedy(status, age=OLD, patience=PATIENCE, is_ours=True, has_run=False) is old
    assert remedy(status, age=-OLD, patience=PATIENCE, is_ours=True, has_run=False) is young


def test_what_is_not_ours_is_left_alone() -> None:
    """Somebody else's release may be stuck for years: autox never touches it."""
    for status in ("pending-install", "failed", "deployed", "uninstalling"):
        for has_run in (False, True):
            assert remedy(status, age=OLD, patience=PATIENCE, is_ours=False, has_run=has_run) is Remedy.NOTHING


@pytest.mark.parametrize("age", [-OLD, YOUNG, OLD])
@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("deployed", Remedy.NOTHING),
        ("pending-install", Remedy.ADOPT),
        ("pending-upgrade", Remedy.ADOPT),
        ("pending-rollback", Remedy.ADOPT),
        ("failed", Remedy.ADOPT),
        ("superseded", Remedy.NOTHING),
        ("uninstalled", Remedy.UNINSTALL),
    ],
)
def test_what_ran_is_never_run_again(status: str, wanted: Remedy, age: timedelta) -> None:
    """A release whose Job was made is the run, however young or old; it was removed after two minutes and run again."""
    assert remedy(status, age=age, patience=PATIENCE, is_ours=True, has_run=True) is wanted


def test_what_is_on_its_way_out_is_not_adopted() -> None:
    """The Job of a release that is being uninstalled is what is left of it."""
    assert remedy("uninstalling", age=YOUNG, patience=PATIENCE, is_ours=True, has_run=True) is Remedy.WAIT
    assert remedy("uninstalling", age=OLD, patience=PATIENCE, is_ours=True, has_run=True) is Remedy.UNINSTALL
