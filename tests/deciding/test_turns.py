"""Specs of a group that load run one after another, each of them once, and none waits for ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.core.experiments.deciding import decide
from autox.core.experiments.turns import BEGINNING, CLEANING, Turns
from autox.model.decision import Action, Decision
from autox.model.experiments import ExperimentRecord
from autox.model.groups import Concurrency
from autox.model.trigger import TriggerSnapshot
from autox.model.verdict import Phase, Verdict
from tests.deciding.samples import NOW, group, identity, present, record

HOUR = timedelta(hours=1)
SPECS = ("a", "b", "c")
DIGESTS = dict.fromkeys(SPECS, "d1")


def turns(*, after: timedelta = timedelta(0), loading: str = "abc") -> Turns:
    """All three specs load, and the time since the launch."""
    return Turns(deadlines=dict.fromkeys(loading, HOUR), now=NOW + after)


def decided(records: list[ExperimentRecord], of: Turns | None = None, **fields: Any) -> dict[str, tuple[str, str]]:
    """What is to be done about each spec."""
    decisions = decide(group(*SPECS, **fields), present(), records, DIGESTS, of or turns())
    return {each.spec: (each.action.value, each.reason) for each in decisions}


def of(spec: str, phase: Phase = Phase.RUNNING, **fields: Any) -> ExperimentRecord:
    """An experiment of a spec, testing version 1."""
    return record(phase, of=identity(spec=spec), **fields)


WAITS, NEW = ("Wait", "Queued"), ("Launch", "NewVersion")


def test_one_is_launched_and_the_others_wait() -> None:
    """Three loads at once measured each other, and said nothing of it."""
    assert decided([]) == {"a": NEW, "b": WAITS, "c": WAITS}
    *_, last = decide(group(*SPECS), present(), [of("a")], DIGESTS, turns())
    assert of("a").name in last.message
    assert "concurrency: parallel" in last.message


def test_the_next_begins_when_one_has_a_verdict() -> None:
    """Whatever the verdict is: an error is an end, too."""
    for verdict in Verdict:
        for phase in (Phase.RUNNING, Phase.COMPLETED):
            done = of("a", phase, verdict=verdict)
            assert decided([done]) == {"a": ("Keep", "UpToDate"), "b": NEW, "c": WAITS}


def test_side_by_side_if_wanted() -> None:
    """``concurrency: parallel`` is what was before."""
    assert decided([], concurrency=Concurrency.PARALLEL) == dict.fromkeys(SPECS, NEW)


def test_what_does_not_load_does_not_wait() -> None:
    """Specs that only look, and CronJobs, whose loops have no end, neither wait nor are waited for."""
    assert decided([], turns(loading="c")) == dict.fromkeys(SPECS, NEW)
    assert decided([of("a")], turns(loading="bc")) == {"a": ("Keep", "UpToDate"), "b": NEW, "c": WAITS}


@pytest.mark.parametrize(
    ("holder", "after", "passes"),
    [
        pytest.param(of("a"), HOUR, False, id="runs"),
        pytest.param(of("a"), HOUR + CLEANING, True, id="is over its deadline"),
        pytest.param(of("a", reason="Starting"), BEGINNING / 2, False, id="is about to begin"),
        pytest.param(of("a", reason="Starting"), BEGINNING, True, id="has no pod, or is suspended"),
        pytest.param(of("a", reason="PodWaiting"), BEGINNING, True, id="cannot start"),
        pytest.param(of("a", reason="WorkloadAwaited"), BEGINNING, True, id="has no Job"),
        pytest.param(of("a", Phase.DELETED), timedelta(0), True, id="is deleted"),
        pytest.param(of("a", Phase.DELETING), timedelta(0), True, id="is being deleted"),
        pytest.param(of("a", is_deleting=True), timedelta(0), True, id="has a record that somebody deletes"),
        pytest.param(of("a", Phase.PENDING, created_at=NOW), timedelta(0), False, id="is being launched"),
        pytest.param(of("a", Phase.PENDING, created_at=NOW), BEGINNING, True, id="cannot be launched"),
    ],
)
def test_nobody_holds_a_turn_for_ever(holder: ExperimentRecord, after: timedelta, *, passes: bool) -> None:
    """What errs, is suspended, or was deleted lets the next one go on."""
    found = decided([holder], turns(after=after))

    assert (found["b"] == NEW) is passes


def test_a_spec_that_waits_says_what_it_would_launch() -> None:
    """If the one before it cannot be launched at all, its turn has come in the same look."""
    first, second, _ = decide(group(*SPECS), present(), [], DIGESTS, turns())

    assert (first.action, second.action) == (Action.LAUNCH, Action.WAIT)
    assert second.launch == identity(spec="b")


def test_the_one_that_waited_longest_is_next() -> None:
    """With versions that come faster than runs end, it is not always the first spec that is tested."""
    past = [
        record(Phase.DELETED, of=identity(spec=spec, version="0"), created_at=NOW + timedelta(minutes=minute))
        for spec, minute in (("a", 3), ("b", 1))
    ]
    assert decided(past)["c"] == NEW
    past.append(record(Phase.DELETED, of=identity(spec="c", version="0"), created_at=NOW + timedelta(minutes=2)))
    assert {spec for spec, what in decided(past).items() if what == NEW} == {"b"}


class Line:
    """Three specs, and a controller that is restarted at every look."""

    def __init__(self) -> None:
        self.trigger: TriggerSnapshot = present("0")
        self.records: dict[str, ExperimentRecord] = {}
        self.now = NOW

    def look(self, *, dies: bool) -> None:
        """Decide and carry out, or die between the record and the release."""
        self.now += timedelta(seconds=1)
        found = list(self.records.values())
        at = Turns(deadlines=dict.fromkeys(SPECS, HOUR), now=self.now)
        for each in decide(group(*SPECS), self.trigger, found, DIGESTS, at):
            if each.action is Action.DELETE and each.record is not None:
                self.records[each.record.name] = replace(self.records[each.record.name], phase=Phase.DELETED)
            elif each.action is Action.LAUNCH and not self._launch(each, dies=dies):
                return

    def _launch(self, decision: Decision, *, dies: bool) -> bool:
        assert decision.launch is not None
        made = record(Phase.PENDING, of=decision.launch, created_at=self.now)
        kept = self.records.setdefault(decision.name, made)
        if not dies:
            self.records[kept.name] = replace(kept, phase=Phase.RUNNING, launched_at=self.now)
        return not dies

    def loading(self) -> list[ExperimentRecord]:
        """What loads at this moment."""
        return [each for each in self.records.values() if each.phase is Phase.RUNNING and each.verdict is None]

    def end(self) -> None:
        """What loads comes to its end."""
        for each in self.loading():
            self.records[each.name] = replace(each, verdict=Verdict.FAIL, phase=Phase.COMPLETED)


@settings(max_examples=200)
@given(steps=st.lists(st.sampled_from(["look", "die", "end", "version"]), max_size=40))
def test_never_two_at_once_and_all_in_the_end(steps: list[str]) -> None:
    """However often the controller dies and versions change, one loads at a time, each once, and each is tested."""
    line = Line()
    for number, step in enumerate(steps):
        if step == "version":
            line.trigger = present(str(number))
        elif step == "end":
            line.end()
        else:
            line.look(dies=step == "die")
        assert len(line.loading()) <= 1
    for _ in range(len(SPECS) + 1):
        line.look(dies=False)
        assert len(line.loading()) <= 1
        line.end()
    version = line.trigger.labels["app.kubernetes.io/version"]
    ended = [each for each in line.records.values() if each.phase is Phase.COMPLETED]
    assert sorted((each.identity.spec, each.identity.version) for each in ended) == [(spec, version) for spec in SPECS]
