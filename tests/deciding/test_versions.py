"""A version that is new is tested, one that is not new is left alone, and a rollback is tested again."""

import pytest

from autox.core.experiments.deciding import DigestTrouble, decide
from autox.core.experiments.naming import experiment_name
from autox.model.decision import Action, Decision
from autox.model.experiments import Identity
from autox.model.refs import ObjectRef
from autox.model.verdict import Phase, Verdict
from tests.deciding.samples import DIGESTS, WEB, group, identity, present, record

LIVE = [Phase.PENDING, Phase.RUNNING, Phase.COMPLETED]


def said(decisions: tuple[Decision, ...]) -> list[tuple[str, str]]:
    """Action and reason of each."""
    return [(each.action.value, each.reason) for each in decisions]


def test_a_first_version_is_tested() -> None:
    """The first version of a trigger that has opted in is launched under a name of its own."""
    (decision,) = decide(group(), present("1"), [], DIGESTS)

    assert (decision.action, decision.reason) == (Action.LAUNCH, "NewVersion")
    assert decision.launch == identity(version="1", revision=1)
    assert decision.name == experiment_name(identity())


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.COMPLETED])
def test_a_version_under_test_is_kept(phase: Phase) -> None:
    """A restart of the controller, a status change or an unrelated label launches nothing."""
    (decision,) = decide(group(), present("1"), [record(phase)], DIGESTS)

    assert (decision.action, decision.reason, decision.record) == (Action.KEEP, "UpToDate", record(phase))


def test_a_failed_experiment_is_not_repeated() -> None:
    """A verdict other than Pass is an answer too: the same version is not tested over and over."""
    failed = record(Phase.COMPLETED, verdict=Verdict.ERROR)

    assert said(decide(group(), present("1"), [failed], DIGESTS)) == [("Keep", "UpToDate")]


@pytest.mark.parametrize("phase", LIVE)
def test_a_new_version_replaces_the_old_experiment(phase: Phase) -> None:
    """The stale experiment is deleted first, whether it runs or has ended; then the new version is launched."""
    old = record(phase)

    decisions = decide(group(), present("2"), [old], DIGESTS)

    assert said(decisions) == [("Delete", "NewVersion"), ("Launch", "NewVersion")]
    assert decisions[0].record == old
    assert decisions[1].launch == identity(version="2")
    assert "2; it was 1" in decisions[0].message


def test_numeric_looking_versions_are_words() -> None:
    """Version 1.10 is another version than 1.1."""
    decisions = decide(group(), present("1.10"), [record(of=identity(version="1.1"))], DIGESTS)

    assert said(decisions) == [("Delete", "NewVersion"), ("Launch", "NewVersion")]


def test_changed_values_make_an_experiment_stale() -> None:
    """After an edit of chart or values the same version is tested with the new ones."""
    decisions = decide(group(), present(), [record()], {"http": "d2"})

    assert said(decisions) == [("Delete", "ChartOrValuesChanged"), ("Launch", "ChartOrValuesChanged")]


def test_a_recreated_trigger_is_another_one() -> None:
    """A Deployment deleted and made again with the same version is tested again."""
    decisions = decide(group(), present(uid="u2"), [record()], DIGESTS)

    assert said(decisions) == [("Delete", "TriggerReplaced"), ("Launch", "TriggerReplaced")]


def test_a_group_may_be_given_another_trigger() -> None:
    """Experiments of the trigger that the group named before are deleted."""
    other = ObjectRef(group="apps", version="v1", resource="statefulsets", namespace="default", name="db")
    old = record(of=identity(trigger=other))

    decisions = decide(group(), present(), [old], DIGESTS)

    assert said(decisions) == [("Delete", "TriggerChanged"), ("Launch", "TriggerChanged")]
    assert str(WEB) in decisions[0].message
    assert str(other) in decisions[0].message


def test_a_rollback_is_tested_again() -> None:
    """Version 1 comes back after version 2: that is a new run, under a name that was never used."""
    first, second = record(Phase.DELETED), record(of=identity(version="2"))

    decisions = decide(group(), present("1"), [first, second], DIGESTS)

    assert said(decisions) == [("Delete", "NewVersion"), ("Launch", "TestedAgain")]
    assert decisions[1].launch == identity(revision=2)
    assert decisions[1].name != first.name


def test_revisions_count_runs_of_the_same_and_no_others() -> None:
    """The revision says how often this version was tested with this chart and these values."""
    past = [
        record(Phase.DELETED, of=identity(revision=1)),
        record(Phase.DELETED, of=identity(revision=4)),
        record(Phase.DELETED, of=identity(version="2", revision=7)),
        record(Phase.DELETED, of=identity(digest="d2", revision=8)),
        record(Phase.DELETED, of=identity(trigger_uid="u0", revision=9)),
        record(Phase.DELETED, of=identity(spec="other", revision=10)),
    ]

    (decision,) = decide(group(), present("1"), past, DIGESTS)

    assert decision.launch == identity(revision=5)


def test_an_interrupted_launch_is_resumed() -> None:
    """A record without a confirmed release is launched again under its own name, not a second time beside it."""
    pending = record(Phase.PENDING, of=identity(revision=3))

    (decision,) = decide(group(), present(), [pending], DIGESTS)

    assert (decision.action, decision.launch) == (Action.LAUNCH, pending.identity)
    assert (decision.name, decision.record) == (pending.name, pending)
    assert "interrupted" in decision.message


@pytest.mark.parametrize(
    ("past", "wanted", "reason"),
    [
        ([], identity(), "NewVersion"),
        ([identity(version="0")], identity(), "NewVersion"),
        ([identity(digest="d0")], identity(), "ChartOrValuesChanged"),
        ([identity(trigger_uid="u0")], identity(), "TriggerReplaced"),
        ([identity(), identity(version="2")], identity(revision=2), "TestedAgain"),
    ],
)
def test_an_interrupted_launch_keeps_its_reason(past: list[Identity], wanted: Identity, reason: str) -> None:
    """Whoever reads the record of a launch that was interrupted reads why it is tested, not that it was taken up."""
    before = [record(Phase.DELETED, of=each) for each in past]

    (first,) = decide(group(), present(), before, DIGESTS)
    (again,) = decide(group(), present(), [*before, record(Phase.PENDING, of=wanted)], DIGESTS)

    assert (first.launch, first.reason) == (wanted, reason)
    assert (again.launch, again.reason) == (wanted, reason)


def test_a_launch_that_nobody_confirmed_is_taken_up_again_though_it_was_judged() -> None:
    """A run may end before the controller that was killed in its launch is back; else its record stays Pending."""
    judged = record(Phase.PENDING, verdict=Verdict.PASS)

    (decision,) = decide(group(), present(), [judged], DIGESTS)

    assert (decision.action, decision.record) == (Action.LAUNCH, judged)


def test_a_release_whose_job_waits_is_not_launched_again() -> None:
    """Pending with a release that was installed is an experiment that waits, not one that is missing."""
    waiting = record(Phase.PENDING, launched_at=record().created_at)

    assert said(decide(group(), present(), [waiting], DIGESTS)) == [("Keep", "UpToDate")]


def test_an_interrupted_deletion_is_finished_whatever_the_version_is_now() -> None:
    """A version that comes back during its deletion is tested again, and the deletion keeps its reason."""
    going = record(Phase.DELETING, reason="NewVersion", message="the version is 2; it was 1")

    decisions = decide(group(), present("1"), [going], DIGESTS)

    assert said(decisions) == [("Delete", "NewVersion"), ("Launch", "TestedAgain")]
    assert decisions[0].message == going.message


def test_a_deleted_record_does_not_stand_for_its_experiment() -> None:
    """Somebody deletes the record of a running experiment: its release goes too and the version is tested again."""
    decisions = decide(group(), present(), [record(is_deleting=True)], DIGESTS)

    assert said(decisions) == [("Delete", "RecordDeleted"), ("Launch", "TestedAgain")]


def test_of_two_that_test_the_same_the_later_stays() -> None:
    """Records made by hand do not double the load for ever."""
    first, second = record(), record(of=identity(revision=2))

    decisions = decide(group(), present(), [second, first], DIGESTS)

    assert said(decisions) == [("Delete", "Duplicate"), ("Keep", "UpToDate")]
    assert (decisions[0].record, decisions[1].record) == (first, second)


def test_specs_are_decided_each_by_itself() -> None:
    """Deletions of all specs come first; then each spec of the group has its own decision."""
    old = record(of=identity(spec="a", version="0"))
    kept = record(of=identity(spec="b"))

    decisions = decide(group("a", "b", "c"), present(), [kept, old], dict.fromkeys("abc", "d1"))

    assert [(each.action.value, each.spec) for each in decisions] == [
        ("Delete", "a"),
        ("Launch", "a"),
        ("Keep", "b"),
        ("Launch", "c"),
    ]


def test_unknown_values_stop_a_launch_and_delete_nothing() -> None:
    """A Secret of values that is missing for a moment neither launches with half the values nor ends a good run."""
    trouble = DigestTrouble(reason="ValuesMissing", message="Secret autox/tokens does not exist")

    decisions = decide(group(), present(), [record()], {"http": trouble})

    assert said(decisions) == [("Wait", "ValuesMissing")]
    assert decisions[0].message == trouble.message


def test_unknown_values_do_not_keep_an_old_version_running() -> None:
    """What is stale for another reason is deleted, and a deletion that was begun is finished."""
    trouble = DigestTrouble(reason="ValuesMissing", message="Secret autox/tokens does not exist")
    records = [record(), record(Phase.DELETING, of=identity(version="2", revision=2))]

    decisions = decide(group(), present("2"), records, {"http": trouble})

    assert said(decisions) == [("Delete", "NewVersion"), ("Delete", "DeletionUnfinished"), ("Wait", "ValuesMissing")]


@pytest.mark.parametrize("phase", LIVE)
def test_a_version_is_tested_again_when_somebody_asks(phase: Phase) -> None:
    """The next revision begins beside the record; until now its deletion was the only way, and lost the verdict."""
    asked = record(phase, verdict=Verdict.FAIL, is_asked_again=True)
    decisions = decide(group(), present(), [asked], DIGESTS)

    assert said(decisions) == [("Delete", "RetestAsked"), ("Launch", "RetestAsked")]
    assert decisions[1].launch == identity(revision=2)
    deleted = record(Phase.DELETED, verdict=Verdict.FAIL, is_asked_again=True)
    (after_a_crash,) = decide(group(), present(), [deleted], DIGESTS)
    assert (after_a_crash.reason, after_a_crash.launch) == ("RetestAsked", identity(revision=2))


def test_a_wish_is_granted_once() -> None:
    """The record that asks is deleted, and asks for nothing any more."""
    records = [record(Phase.DELETED, is_asked_again=True), record(of=identity(revision=2))]

    assert said(decide(group(), present(), records, DIGESTS)) == [("Keep", "UpToDate")]
