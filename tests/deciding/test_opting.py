"""Experiments live as long as their trigger has opted in, is there and has a version; doubt never deletes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.experiments.deciding import decide, decide_removed
from autox.core.experiments.naming import experiment_name
from autox.model.decision import Action
from autox.model.experiments import ExperimentRecord
from autox.model.groups import OptIn
from autox.model.trigger import TriggerSnapshot
from autox.model.verdict import Phase
from tests.deciding.samples import DIGESTS, absent, group, identity, present, record, unreadable

STOPS = [
    pytest.param(absent(), "TriggerGone", id="gone"),
    pytest.param(present(opt_in=None), "NotOptedIn", id="no label"),
    pytest.param(present(opt_in="false"), "OptedOut", id="false"),
    pytest.param(present(opt_in="True"), "OptedOut", id="True"),
    pytest.param(present(opt_in=""), "OptedOut", id="empty"),
    pytest.param(present(None), "VersionMissing", id="no version"),
    pytest.param(present(""), "VersionMissing", id="empty version"),
]


@pytest.mark.parametrize(("trigger", "reason"), STOPS)
@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.RUNNING, Phase.COMPLETED, Phase.DELETING])
def test_experiments_end_with_the_opt_in(trigger: TriggerSnapshot, reason: str, phase: Phase) -> None:
    """Without a trigger that has opted in and names a version every experiment is deleted, visibly why."""
    live = record(phase, reason=reason)

    decisions = decide(group(), trigger, [live, record(Phase.DELETED, of=identity(version="0"))], {})

    assert [(each.action, each.reason, each.record) for each in decisions] == [
        (Action.DELETE, reason, live),
        (Action.WAIT, reason, None),
    ]


@pytest.mark.parametrize(("trigger", "reason"), STOPS)
def test_nothing_is_launched_without_the_opt_in(trigger: TriggerSnapshot, reason: str) -> None:
    """Where nothing runs, nothing happens, and the reason is visible all the same."""
    (decision,) = decide(group(), trigger, [], {})

    assert (decision.action, decision.reason, decision.spec) == (Action.WAIT, reason, "http")


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (absent(), "deployments.apps/default/web does not exist"),
        (present(opt_in=None), "kubectl label --overwrite -n default deployments.apps/web iter8.tools/autox=true"),
        (present(opt_in="false"), "iter8.tools/autox=false"),
        (present(None), "no label app.kubernetes.io/version"),
        (present(""), "empty label app.kubernetes.io/version"),
        (unreadable(), "deployments is forbidden"),
    ],
)
def test_the_message_says_what_was_seen_and_what_would_help(trigger: TriggerSnapshot, words: str) -> None:
    """Whoever reads the group's status knows what to do next."""
    (decision,) = decide(group(), trigger, [], {})

    assert words in decision.message


@pytest.mark.parametrize("trigger", [present(opt_in=None), present(None)])
def test_what_would_help_is_told_to_those_who_wait_alone(trigger: TriggerSnapshot) -> None:
    """Why an experiment was deleted is no call to do something."""
    deletion, wait = decide(group(), trigger, [record()], DIGESTS)

    assert "kubectl label" in wait.message
    assert wait.message.startswith(deletion.message)
    assert "kubectl" not in deletion.message


def test_a_group_chooses_its_own_labels() -> None:
    """The opt-in label, its value and the version label are the group's to choose."""
    own = group(opt_in=OptIn(label="team/test", value="yes"), version_label="team/release")
    trigger = present()

    (unlabelled,) = decide(own, trigger, [], DIGESTS)
    labels = {**trigger.labels, "team/test": "yes", "team/release": "7"}
    (labelled,) = decide(
        own, TriggerSnapshot(ref=trigger.ref, state=trigger.state, uid="u1", labels=labels), [], DIGESTS
    )

    assert unlabelled.reason == "NotOptedIn"
    assert labelled.launch == identity(version="7")


@pytest.mark.parametrize("opt_in", [None, "true", "false", ""])
def test_a_group_may_ask_for_no_label(opt_in: str | None) -> None:
    """Without an opt-in every version is tested; a tutorial whose objects had no such label launched nothing."""
    (decision,) = decide(group(opt_in=None), present(opt_in=opt_in), [], DIGESTS)
    assert decision.launch == identity()

    (unnamed,) = decide(group(opt_in=None), present(None, opt_in=opt_in), [], DIGESTS)
    assert (unnamed.reason, "opted in" in unnamed.message) == ("VersionMissing", False)
    *_, gone = decide(group(opt_in=None), absent(), [record()], DIGESTS)
    assert gone.reason == "TriggerGone"


def test_opting_in_again_tests_again() -> None:
    """After opt-out and opt-in the same version gets a new run, even while the old one is still being deleted."""
    for phase in (Phase.DELETING, Phase.DELETED):
        *_, last = decide(group(), present(), [record(phase)], DIGESTS)

        assert last.launch == identity(revision=2)


def test_an_unreadable_trigger_means_wait() -> None:
    """An API server that is away, or says 403 or 500, never costs anybody an experiment."""
    records = [record(), record(of=identity(version="0")), record(Phase.DELETING, of=identity(spec="gone"))]

    (decision,) = decide(group(), unreadable(), records, {})

    assert (decision.action, decision.reason) == (Action.WAIT, "Forbidden")
    assert "an upgrade of autox makes them" in decision.message


def test_a_suspended_group_is_left_as_it_is() -> None:
    """Suspended, a group launches nothing and deletes nothing, whatever its trigger does."""
    for trigger in (present("2"), absent(), unreadable(), present(opt_in=None)):
        (decision,) = decide(group(suspend=True), trigger, [record()], {})

        assert (decision.action, decision.reason) == (Action.IGNORE, "Suspended")


def test_a_removed_spec_takes_its_experiments_along() -> None:
    """An edit of the group that drops a spec deletes its experiments, and the others are left alone."""
    gone, kept = record(of=identity(spec="old")), record()

    decisions = decide(group(), present(), [gone, kept], DIGESTS)

    assert [(each.action, each.spec, each.reason) for each in decisions] == [
        (Action.DELETE, "old", "SpecRemoved"),
        (Action.KEEP, "http", "UpToDate"),
    ]


def test_a_removed_group_takes_its_experiments_along() -> None:
    """When the group is deleted, so is everything that it launched; what was deleted before stays history."""
    live = [record(), record(Phase.PENDING, of=identity(spec="b")), record(Phase.DELETING, of=identity(spec="c"))]

    decisions = decide_removed([*live, record(Phase.DELETED, of=identity(spec="d"))])

    assert [(each.action, each.record) for each in decisions] == [(Action.DELETE, each) for each in live]
    assert decisions[0].reason == "GroupRemoved"


def test_other_groups_are_never_touched() -> None:
    """Records of another group, or of a group of that name elsewhere, are neither deleted nor counted."""
    foreign = [record(of=identity(group="webb")), record(of=identity(group_namespace="other", version="0"))]

    (decision,) = decide(group(), present(), foreign, DIGESTS)

    assert (decision.action, decision.launch) == (Action.LAUNCH, identity(revision=1))


IDENTITIES = st.builds(
    identity,
    group=st.sampled_from(["web", "other"]),
    spec=st.sampled_from(["a", "b", "gone"]),
    trigger_uid=st.sampled_from(["u1", "u2"]),
    version=st.sampled_from(["1", "2"]),
    digest=st.sampled_from(["d1", "d2"]),
    revision=st.integers(1, 3),
)
RECORDS = st.lists(
    st.builds(record, st.sampled_from(Phase), of=IDENTITIES, is_deleting=st.booleans()),
    max_size=8,
    unique_by=lambda each: each.name,
)
TRIGGERS = st.one_of(
    st.just(absent()),
    st.just(unreadable()),
    st.builds(
        present,
        st.sampled_from([None, "", "1", "2"]),
        opt_in=st.sampled_from([None, "true", "false"]),
        uid=st.sampled_from(["u1", "u2"]),
    ),
)


@given(records=RECORDS, trigger=TRIGGERS, suspend=st.booleans())
def test_every_spec_gets_one_answer(
    records: list[ExperimentRecord], trigger: TriggerSnapshot, *, suspend: bool
) -> None:
    """Whatever is there, deletions come first, each spec has one decision more, and all have a reason."""
    decisions = decide(group("a", "b", suspend=suspend), trigger, records, dict.fromkeys("ab", "d1"))

    deletes = [each for each in decisions if each.action is Action.DELETE]
    assert all(each.action is Action.DELETE for each in decisions[: len(deletes)])
    assert [each.spec for each in decisions[len(deletes) :]] == ["a", "b"]
    assert all(each.reason and each.message for each in decisions)
    touched = [each.record.name for each in decisions if each.record is not None]
    assert len(touched) == len(set(touched))
    launched = {each.name for each in decisions if each.launch is not None and each.record is None}
    assert not launched & {each.name for each in records}
    for each in decisions:
        if each.launch is not None:
            assert each.name == experiment_name(each.launch)
        if each.action is Action.DELETE:
            assert each.record is not None
            assert each.record.phase is not Phase.DELETED
            assert each.record.identity.group == "web"
