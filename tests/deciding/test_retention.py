"""History stays as long as the group's limit says, and nothing that lives is ever forgotten."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.retention import expired
from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase
from tests.deciding.samples import NOW, identity, record


def aged(minutes: int, phase: Phase = Phase.DELETED, *, spec: str = "http", group: str = "web") -> ExperimentRecord:
    """A record made so many minutes after the first."""
    this = identity(spec=spec, group=group, version=str(minutes))
    return record(phase, of=this, created_at=NOW + timedelta(minutes=minutes))


def test_the_oldest_go_first() -> None:
    """The latest deleted experiments keep their records, whatever order they are listed in."""
    records = [aged(3), aged(1), aged(4), aged(2)]

    assert expired(records, 2) == (aged(1), aged(2))


def test_each_spec_has_its_own_history() -> None:
    """A spec that is tested often does not push the history of another one out, nor a group that of another."""
    records = [aged(1, spec="a"), aged(2, spec="b"), aged(3, spec="b"), aged(4, spec="b", group="other")]

    assert expired(records, 1) == (aged(2, spec="b"),)


def test_live_experiments_neither_expire_nor_count() -> None:
    """An old experiment that still runs keeps its record, and takes nobody's place in the history."""
    live = [aged(minute, phase) for minute, phase in enumerate(Phase) if phase is not Phase.DELETED]

    assert expired([*live, aged(9)], 1) == ()
    assert expired([*live, aged(9)], 0) == (aged(9),)


def test_a_record_that_is_being_removed_is_not_removed_again() -> None:
    """Nobody asks twice for the removal of a record, and it has no place in the history any more."""
    going = record(Phase.DELETED, is_deleting=True)

    assert expired([going, aged(1)], 1) == ()


@given(
    minutes=st.lists(st.tuples(st.integers(0, 50), st.sampled_from(Phase)), max_size=20, unique=True),
    limit=st.integers(0, 5),
)
def test_what_expires(minutes: list[tuple[int, Phase]], limit: int) -> None:
    """Exactly as many deleted experiments stay as the limit says, and they are the latest."""
    records = [aged(minute, phase) for minute, phase in minutes]

    gone = expired(records, limit)
    stays = [each for each in records if each.phase is Phase.DELETED and each not in gone]

    assert all(each.phase is Phase.DELETED for each in gone)
    assert len(stays) == min(limit, len(gone) + len(stays))
    assert not gone or not stays or gone[-1].created_at <= min(each.created_at for each in stays)
