"""Keys to work on: none is lost, none is worked on twice at once, and what fails does not spin."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from autox.core.backoff import Backoff
from autox.core.workqueue import WorkQueue

RETRY = Backoff(initial=1.0, factor=2.0, limit=8.0, jitter=0.5)


def queue_of(*keys: str, now: float = 0.0) -> WorkQueue[str]:
    """A queue with these keys due."""
    queue: WorkQueue[str] = WorkQueue(retry=RETRY)
    for key in keys:
        queue.add(key, now)
    return queue


def test_keys_come_in_the_order_they_were_added() -> None:
    """The group whose event came first is looked after first."""
    queue = queue_of("b", "a", "c")

    assert [queue.get(0.0) for _ in range(4)] == ["b", "a", "c", None]


def test_a_key_that_waits_is_not_added_twice() -> None:
    """A thousand events about one trigger are one piece of work."""
    queue = queue_of(*["a"] * 1000, "b")

    assert len(queue) == 2
    assert [queue.get(0.0) for _ in range(3)] == ["a", "b", None]


def test_a_key_in_work_is_not_handed_out() -> None:
    """Two workers never carry out decisions for one group at once."""
    queue = queue_of("a")
    queue.get(0.0)
    queue.add("a", 1.0)

    assert queue.get(2.0) is None
    assert queue.working == {"a"}


def test_what_happens_during_the_work_is_worked_on_afterwards() -> None:
    """A version that changes while its group is being looked after is not missed."""
    queue = queue_of("a")
    queue.get(0.0)
    queue.add("a", 1.0)
    queue.add("a", 2.0)
    queue.done("a")

    assert queue.get(2.0) == "a"
    assert queue.working == {"a"}
    queue.done("a")
    assert queue.get(3.0) is None


def test_done_is_done() -> None:
    """A group to which nothing happens costs nothing."""
    queue = queue_of("a")
    queue.get(0.0)
    queue.done("a")

    assert (queue.get(1e9), queue.next_due(), len(queue), queue.working) == (None, None, 0, frozenset())


def test_a_later_date_does_not_put_off_an_earlier_one() -> None:
    """A look at a Job in 5 s is not lost because a resync is planned in an hour, in whichever order they come."""
    queue = queue_of()
    queue.add_after("a", 0.0, 3600.0)
    queue.add_after("a", 0.0, 5.0)
    queue.add_after("a", 0.0, 600.0)

    assert (queue.next_due(), queue.get(4.9), queue.get(5.0), queue.next_due()) == (5.0, None, "a", None)


def test_an_event_does_not_wait_for_a_date() -> None:
    """What happens now is looked at now, though a later look is planned."""
    queue = queue_of()
    queue.add_after("a", 0.0, 60.0)
    queue.add("a", 1.0)

    assert queue.get(1.0) == "a"


def test_failures_come_back_ever_later() -> None:
    """A group that cannot be served is tried again for ever, and does not keep the API server busy."""
    queue, now, delays = queue_of("a"), 0.0, []
    for _ in range(6):
        assert queue.get(now) == "a"
        delays.append(queue.failed("a", now))
        assert queue.get(now + delays[-1] - 0.01) is None
        now += delays[-1]

    assert delays == [1, 2, 4, 8, 8, 8]


def test_randomness_spreads_the_failures() -> None:
    """A hundred groups that failed together do not come back together."""
    queue = queue_of("a")
    queue.get(0.0)

    assert queue.failed("a", 0.0, random=0.5) == 0.75


def test_success_forgets_failures() -> None:
    """A group that was in trouble yesterday is not served late today."""
    queue = queue_of("a")
    for _ in range(3):
        queue.get(100.0)
        queue.failed("a", 0.0)
    queue.get(100.0)
    queue.done("a")
    queue.add("a", 100.0)
    queue.get(100.0)

    assert queue.failed("a", 100.0) == 1.0


def test_failures_are_each_keys_own() -> None:
    """One broken group does not slow the others down."""
    queue = queue_of("a", "b")
    queue.get(0.0)
    queue.failed("a", 0.0)

    assert queue.get(0.0) == "b"
    assert queue.failed("b", 0.0) == 1.0


def test_an_event_cuts_a_back_off_short() -> None:
    """Whoever mends the group is not kept waiting; if it fails again the back-off goes on from where it was."""
    queue = queue_of("a")
    queue.get(0.0)
    queue.failed("a", 0.0)
    queue.add("a", 0.1)

    assert queue.get(0.1) == "a"
    assert queue.failed("a", 0.1) == 2.0


def test_an_event_during_failing_work_is_not_lost() -> None:
    """The event may have come after the failing look."""
    queue = queue_of("a")
    queue.get(0.0)
    queue.add("a", 0.5)
    queue.failed("a", 1.0)

    assert queue.get(1.0) == "a"


class Turmoil(RuleBasedStateMachine):
    """Any use, beside a model that keeps for each key only when it must be handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: WorkQueue[str] = WorkQueue(retry=RETRY)
        self.now = 0.0
        self.due: dict[str, float] = {}  # by when each key has to be handed out, in work or not
        self.working: set[str] = set()

    def want(self, key: str, at: float) -> None:
        """A key has to be handed out by then."""
        self.due[key] = min(at, self.due.get(key, at))

    @rule(key=st.sampled_from("abc"))
    def add(self, key: str) -> None:
        """An event."""
        self.queue.add(key, self.now)
        self.want(key, self.now)

    @rule(key=st.sampled_from("abc"), seconds=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 60.0]))
    def add_after(self, key: str, seconds: float) -> None:
        """A date."""
        self.queue.add_after(key, self.now, seconds)
        self.want(key, self.now + max(seconds, 0.0))

    @rule()
    def get(self) -> None:
        """Some worker is free."""
        due = {key: at for key, at in self.due.items() if at <= self.now and key not in self.working}
        key = self.queue.get(self.now)
        if key is None:
            assert not due
        else:
            assert self.due.pop(key) == min(due.values())
            self.working.add(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data(), succeeds=st.booleans())
    def end(self, data: st.DataObject, *, succeeds: bool) -> None:
        """Some work ends."""
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.working.remove(key)
        if succeeds:
            self.queue.done(key)
        else:
            self.want(key, self.now + self.queue.failed(key, self.now))

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        """Nobody works."""
        self.now += seconds

    @invariant()
    def nothing_is_lost(self) -> None:
        """Sleeping until ``next_due`` never sleeps through a key."""
        waiting = [at for key, at in self.due.items() if key not in self.working]
        assert self.queue.next_due() == min(waiting, default=None)
        assert len(self.queue) == len(waiting)
        assert self.queue.working == self.working


TestTurmoil = Turmoil.TestCase
TestTurmoil.settings = settings(max_examples=100, stateful_step_count=40)
