"""However often the controller dies, and wherever: one run for each version, no run twice, none left over."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autox.core.experiments.deciding import DigestTrouble
from autox.model.trigger import TriggerSnapshot
from autox.model.verdict import Phase
from tests.deciding.samples import absent, group, present, unreadable
from tests.deciding.world import TROUBLE, World

STEPS = 8  # a deletion and a launch of one spec take fewer
OUT = present(opt_in=None)


@pytest.mark.parametrize(
    "triggers",
    [
        pytest.param([present("1")], id="first version"),
        pytest.param([present("1"), present("2")], id="new version"),
        pytest.param([present("1"), present("2"), present("1")], id="rollback"),
        pytest.param([present("1"), OUT, present("1")], id="opted out and in again"),
        pytest.param([present("1"), absent(), present("1", uid="u2")], id="recreated"),
        pytest.param(
            [present("1", template="1-a"), present("2", template="1-a"), present("2", template="1-b")],
            id="image after label",
        ),
        pytest.param([present("1"), present("1", template="1-a")], id="template known later"),
        pytest.param([present("1"), unreadable(), present("2")], id="unreadable for a while"),
    ],
)
def test_every_place_to_die(triggers: list[TriggerSnapshot]) -> None:
    """Killed at every step of every reconcile, the controller still ends with one run of what is current."""
    for steps in product(range(STEPS), repeat=len(triggers)):
        world = World("http")
        for trigger, step in zip(triggers, steps, strict=True):
            world.trigger = trigger
            world.reconcile_until(step)
            world.check()
        world.come_to_rest()
        world.check()
        assert len(world.releases) == 1, steps


class Turmoil(RuleBasedStateMachine):
    """Everything that may happen, in any order, while the controller works and dies."""

    @initialize()
    def begin(self) -> None:
        """Nothing has happened yet."""
        self.world = World("a", "b")
        self.work: Iterator[None] | None = None

    @precondition(lambda self: self.work is None)
    @rule()
    def wakes(self) -> None:
        """Some event, or the resync."""
        self.work = self.world.reconcile()

    @precondition(lambda self: self.work is not None)
    @rule(steps=st.integers(1, 8))
    def goes_on(self, steps: int) -> None:
        """A few steps of its work, during which the world may have changed."""
        assert self.work is not None
        for _ in range(steps):
            if next(self.work, self) is self:
                self.work = None
                return

    @rule(steps=st.integers(0, 14))
    def dies(self, steps: int) -> None:
        """Killed; the next one knows nothing of what it was about to do, and is killed soon too."""
        self.work = None
        self.world.reconcile_until(steps)

    @precondition(lambda self: self.work is None)
    @rule()
    def comes_to_rest(self) -> None:
        """Let alone for a while."""
        self.world.come_to_rest()

    @rule(
        version=st.sampled_from([None, "", "1", "1", "2", "2"]),
        uid=st.sampled_from(["u1", "u1", "u2"]),
        template=st.sampled_from(["", "1-a", "1-b"]),
    )
    def version_changes(self, version: str | None, uid: str, template: str) -> None:
        """A rollout, a rollback, a recreation, a label that is removed."""
        self.world.trigger = present(version, uid=uid, template=template) if version is not None else OUT

    @rule(trigger=st.sampled_from([absent(), unreadable(), OUT]))
    def trigger_goes(self, trigger: TriggerSnapshot) -> None:
        """Deleted, not to be read, or opted out."""
        self.world.trigger = trigger

    @rule(digest=st.sampled_from(["d1", "d2", TROUBLE]), spec=st.sampled_from("ab"))
    def values_change(self, digest: str | DigestTrouble, spec: str) -> None:
        """Somebody edits the group, or a Secret of values."""
        self.world.digests[spec] = digest

    @rule(specs=st.sampled_from(["a", "b", "ab"]), removed=st.booleans())
    def group_changes(self, specs: str, *, removed: bool) -> None:
        """Somebody drops a spec, adds one, deletes the group, makes it again."""
        self.world.group = group(*specs)
        self.world.is_removed = removed

    @invariant()
    def nothing_is_wrong_meanwhile(self) -> None:
        """No run twice, no two at once, none that no record tells of."""
        self.world.check()

    def teardown(self) -> None:
        """Whatever happened, in the end the current version is under test, and after an opt-out nothing is."""
        self.work = None
        self.world.group, self.world.is_removed, self.world.trigger = group("a", "b"), False, present("2")
        self.world.digests = dict.fromkeys("ab", "d1")
        self.comes_to_rest()
        assert len(self.world.releases) == 2
        self.world.trigger = OUT
        self.comes_to_rest()
        self.world.check()
        assert {each.phase for each in self.world.records.values()} == {Phase.DELETED}


TestTurmoil = Turmoil.TestCase
TestTurmoil.settings = settings(max_examples=100, stateful_step_count=40)
