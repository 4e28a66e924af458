"""When simulated nodes are out."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.model.stages import Outage
from autox.nodes.mock.outages import OutageSchedule, outage_schedule

ORIGIN = 1_795_000_000.0
OUTAGE = Outage(name="rack", interval=600.0, duration=60.0)


def at(now: float, *outages: Outage, node: str = "virtual-0", seed: int = 0) -> OutageSchedule:
    """The outage_schedule so many seconds after the origin."""
    return outage_schedule(node, outages or (OUTAGE,), seed=seed, origin=ORIGIN, now=ORIGIN + now)


def changes(outage: Outage, *, node: str = "virtual-0", count: int = 6) -> list[float]:
    """The moments at which a node goes out and comes back, in seconds after the origin."""
    found, now = [], 0.0
    for _ in range(count):
        now = at(now, outage, node=node).until - ORIGIN
        found.append(now)
    return found


def test_an_outage_lasts_as_long_as_it_says_and_comes_again() -> None:
    """Out for a minute, back for nine, from its place in the first interval on."""
    moments = changes(OUTAGE)

    assert 0 <= moments[0] <= 540
    assert [round(after - before, 3) for before, after in pairwise(moments)] == [
        60.0,
        540.0,
        60.0,
        540.0,
        60.0,
    ]


def test_a_node_is_out_from_its_first_moment_to_before_its_last() -> None:
    """And the outage_schedule tells the moment at which that changes, whenever it is asked."""
    out, back = changes(OUTAGE)[:2]

    assert at(out - 0.001) == OutageSchedule(is_out=False, until=ORIGIN + out)
    assert at(out) == at((out + back) / 2) == OutageSchedule(is_out=True, until=ORIGIN + back)
    assert not at(back).is_out


def test_nodes_do_not_fall_silent_together() -> None:
    """Each has a place of its own in the interval; about one in ten is out at any moment."""
    nodes = [f"virtual-{number}" for number in range(1000)]

    assert len({changes(OUTAGE, node=node, count=1)[0] for node in nodes}) == 1000
    for moment in (700.0, 1234.5, 10_000.0):
        assert 60 <= sum(at(moment, node=node).is_out for node in nodes) <= 150


def test_an_outage_befalls_its_share_of_the_nodes() -> None:
    """A quarter of those whose name fits, and always the same ones."""
    quarter = Outage(name="rack", node_prefix="virtual-", share=0.25, interval=600.0, duration=60.0)
    hit = [math.isfinite(at(0, quarter, node=f"virtual-{number}").until) for number in range(2000)]

    assert abs(sum(hit) - 500) < 3.3 * math.sqrt(2000 * 0.25 * 0.75)
    assert at(0, quarter, node="other-1") == OutageSchedule(is_out=False, until=math.inf)
    assert hit == [math.isfinite(at(9e5, quarter, node=f"virtual-{number}").until) for number in range(2000)]


def test_without_outages_a_node_is_never_out() -> None:
    """Nor with a share of none."""
    never = OutageSchedule(is_out=False, until=math.inf)

    assert outage_schedule("virtual-0", (), seed=0, origin=ORIGIN, now=ORIGIN) == never
    assert at(0, Outage(name="rack", share=0.0, interval=600.0, duration=60.0)) == never


def test_the_first_outage_that_befalls_a_node_counts() -> None:
    """Later ones are for the nodes that it leaves."""
    first = Outage(name="first", node_prefix="virtual-1", interval=100.0, duration=10.0)

    assert changes(first, node="virtual-1") == [
        each.until - ORIGIN for each in _following((first, OUTAGE), node="virtual-1")
    ]
    assert changes(OUTAGE, node="virtual-2") == [
        each.until - ORIGIN for each in _following((first, OUTAGE), node="virtual-2")
    ]


def _following(outages: tuple[Outage, ...], *, node: str) -> list[OutageSchedule]:
    found, now = [], 0.0
    for _ in range(6):
        found.append(at(now, *outages, node=node))
        now = found[-1].until - ORIGIN
    return found


def test_a_seed_moves_the_outages() -> None:
    """Another run, another moment; the same run, the same moment."""
    assert at(0, seed=1).until != at(0, seed=2).until
    assert at(0, seed=1) == at(0, seed=1)


@given(
    interval=st.floats(1.001, 1e6),
    part=st.floats(0.001, 0.999),
    now=st.floats(-1e7, 1e9),
    node=st.text(min_size=1, max_size=20),
)
def test_what_is_said_to_change_changes(interval: float, part: float, now: float, node: str) -> None:
    """At the moment that is told, not before, and time goes on: an agent that sleeps until then never spins."""
    outage = Outage(name="any", interval=interval, duration=interval * part)
    seen = at(now, outage, node=node)
    then = outage_schedule(node, (outage,), seed=0, origin=ORIGIN, now=seen.until)

    assert seen.until > ORIGIN + now
    assert then.is_out is not seen.is_out
    assert then.until > seen.until


@pytest.mark.parametrize("now", [-1e9, -1.0])
def test_before_its_origin_a_node_is_not_out(now: float) -> None:
    """A clock that was set back finds the node in order."""
    assert at(now) == OutageSchedule(is_out=False, until=ORIGIN + changes(OUTAGE, count=1)[0])


def test_the_last_instant_before_an_outage_is_no_part_of_it() -> None:
    """However close: quotients of such moments are rounded up."""
    now = 0.0
    for _ in range(600):
        seen = outage_schedule("virtual-0", (OUTAGE,), seed=0, origin=0.0, now=now)
        just_before = outage_schedule("virtual-0", (OUTAGE,), seed=0, origin=0.0, now=math.nextafter(seen.until, 0.0))
        now = seen.until

        assert just_before.is_out is seen.is_out
        assert just_before.until == seen.until
