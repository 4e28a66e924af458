"""When a run is not to be believed for what the test itself did, and when that does not matter any more."""

from dataclasses import replace
from typing import Any

import pytest

from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.rig import Rig, spoilt
from tests.density.samples import GOOD, all_running, measured, seen
from tests.density.test_attribution import LATE, run

WELL = Rig(behind=0.2, what="Deployments", stalled=0.3, blind=0.2, contradiction=0.0, nodes="", clients="")
ALL, SOME = measured(seen(*all_running(*GOOD))), measured(seen(*all_running(*GOOD[:2])))
AWAY = Availability(looks=9, ready=6, unreachable=3)
"""An API server that was gone for three seconds."""


def said(found: Any, **parts: Any) -> str:
    """Why a run must not be believed whose rig did worse in these parts."""
    note = spoilt(replace(WELL, **parts), found, culprit(found))
    assert note is None or note.hint
    return note.text if note else ""


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, ""),
        ({"behind": 1.2}, "Deployments were sent up to 1.2 s late: this machine cannot keep the rate"),
        ({"stalled": 1.2}, "this process stood still for 1.2 s, and may have done everything that much late"),
        ({"blind": 1.2}, "the process that watches pods stood still for 1.2 s, and saw them that much late"),
        ({"contradiction": 9.0}, "the API server's clock moved by 9 s or more in mid-run"),
        ({"nodes": "agent 1 of 2 was ended"}, "agent 1 of 2 was ended"),
        ({"clients": "half a core"}, "this machine cannot keep the clients: half a core"),
    ],
    ids=["well", "behind", "stalled", "blind", "clock", "nodes", "clients"],
)
def test_what_the_rig_did_spoils_a_run(parts: dict[str, Any], told: str) -> None:
    """Whether all pods came or not: late is late, and nobody knows who it was."""
    assert said(ALL, **parts).startswith(told)
    assert said(SOME, **parts).startswith(told)
    assert bool(said(ALL, **parts)) is bool(told)


@pytest.mark.parametrize("late", ["behind", "stalled", "blind"])
def test_a_part_that_was_gone_for_longer_is_named_all_the_same(late: str) -> None:
    """Etcd was killed on a busy machine, 31 of 60 pods never came, and the machine was blamed for a late second."""
    gone = replace(SOME, availability=AWAY)

    assert said(gone, **{late: 1.2}) == ""
    assert said(gone, **{late: 3.1}) != ""


def test_figures_alone_are_not_believed_of_a_late_rig() -> None:
    """Where every pod came in spite of it, nothing but late figures would be left to pass or to fail by."""
    assert said(replace(ALL, availability=AWAY), stalled=1.2) != ""


def test_a_part_of_the_test_that_gave_way_is_named() -> None:
    """What spoils a run is not always a second that was lost: nodes, watcher and generator may be slow all the time."""
    found = replace(run(*LATE), answers=[3.0] * 4)

    assert said(found).startswith("the load generator gave way first: half of its requests took 3 s")
