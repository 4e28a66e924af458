"""Whole lives of pods, with everything that may happen to them in any order."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autox.nodes.process.status.crashloop import CrashLoop
from autox.nodes.process.status.lifecycle import Course, Plan, StartContainer, StopContainer, decide
from autox.nodes.process.status.podspec import Role, read_pod
from autox.nodes.process.status.podstatus import PodAddresses, pod_status
from autox.nodes.process.status.runtime_state import Ailment, Ending, ObservedAttempt, ObservedContainer, RuntimeState
from tests.pods.podsamples import NOW, container, deleted, pod, sidecar, with_ending

CURVE = CrashLoop(initial=10, limit=300)
POLICIES = ["Always", "OnFailure", "Never"]


class PodLife(RuleBasedStateMachine):
    """A node that carries out every plan, and a world that does what it likes to the containers."""

    @initialize(policy=st.sampled_from(POLICIES), init=st.integers(0, 2), sidecars=st.integers(0, 2))
    def bind(self, policy: str, init: int, sidecars: int) -> None:
        """The scheduler gives the node a pod."""
        first = (*(sidecar(f"s{n}") for n in range(sidecars)), *(container(f"i{n}") for n in range(init)))
        self.pod: dict[str, Any] = pod(container("a"), container("b"), init=first, policy=policy)
        self.now = NOW
        self.seen = RuntimeState(started_at=NOW)
        self.used: set[tuple[str, int]] = set()
        self.phases: list[str] = []
        self.plan = self.decide()

    def decide(self) -> Plan:
        """Decide and carry out what was decided, until nothing more is to be done now."""
        while True:
            spec = read_pod(self.pod)
            plan = decide(spec, self.seen, now=self.now, crash_loop=CURVE)
            self.seen = with_ending(self.seen, plan)
            for action in plan.actions:
                self.carry_out(action)
            if not plan.actions:
                addresses = PodAddresses(host_ip="127.1.0.1", pod_ip="10.1.1.0")
                status = pod_status(self.pod, spec, self.seen, plan, addresses=addresses, sandbox=True, now=self.now)
                self.pod["status"] = status
                self.phases.append(status["phase"])
                return plan

    def carry_out(self, action: StartContainer | StopContainer) -> None:
        """Start at once; a stop only begins."""
        known = self.seen.container(action.name)
        if isinstance(action, StartContainer):
            assert (action.name, action.attempt) not in self.used, "an attempt was started twice"
            assert not known.running, "a container was started beside itself"
            assert self.seen.ending is None, "something was started in a pod that ends"
            self.used.add((action.name, action.attempt))
            attempts = (*known.attempts, ObservedAttempt(number=action.attempt, started_at=self.now))
            self.put(action.name, ObservedContainer(attempts=attempts, started=True, ready=True))
        else:
            assert known.running, "a stop of something that does not run"
            assert known.stopping is None or action.deadline < known.stopping, "a stop that changes nothing"
            self.put(action.name, replace(known, stopping=action.deadline))

    def put(self, name: str, known: ObservedContainer) -> None:
        """Observe a container."""
        self.seen = replace(self.seen, containers={**self.seen.containers, name: known})

    def names(self, *, stopping: bool = False) -> list[str]:
        """The containers that run, or only those being stopped."""
        return sorted(
            name
            for name, known in self.seen.containers.items()
            if known.running and (known.stopping is not None or not stopping)
        )

    @precondition(lambda self: self.names())
    @rule(data=st.data(), code=st.sampled_from([0, 1, 137, 143]))
    def exits(self, data: st.DataObject, code: int) -> None:
        """A container ends."""
        self.end(data.draw(st.sampled_from(self.names())), code)
        self.plan = self.decide()

    def end(self, name: str, code: int) -> None:
        """Its record says so."""
        known = self.seen.container(name)
        last = replace(known.attempts[-1], finished_at=self.now, exit_code=code)
        self.put(name, ObservedContainer(attempts=(*known.attempts[:-1], last)))

    @precondition(lambda self: self.names())
    @rule(data=st.data(), ailment=st.sampled_from(Ailment))
    def ails(self, data: st.DataObject, ailment: Ailment) -> None:
        """A probe fails for good."""
        name = data.draw(st.sampled_from(self.names()))
        self.put(name, replace(self.seen.container(name), ailment=ailment, ready=False))
        self.plan = self.decide()

    @rule(seconds=st.sampled_from([0.1, 5, 10, 31, 300, 1300]))
    def time_passes(self, seconds: float) -> None:
        """Whoever is past the end of its grace period is killed."""
        self.now += seconds
        for name in self.names(stopping=True):
            if (self.seen.container(name).stopping or 0) <= self.now:
                self.end(name, 137)
        self.plan = self.decide()

    @rule(grace=st.sampled_from([0, 5, 30]))
    def is_deleted(self, grace: int) -> None:
        """Somebody deletes the pod, perhaps again."""
        metadata = self.pod["metadata"]
        grace = min(grace, metadata.get("deletionGracePeriodSeconds", grace))
        self.pod = {**self.pod, "metadata": {**metadata, **deleted(grace)}}
        self.plan = self.decide()

    @rule()
    def vanishes(self) -> None:
        """The API server has no such pod any more."""
        self.seen = replace(self.seen, gone=True)
        self.plan = self.decide()

    @rule()
    def node_restarts(self) -> None:
        """Everything but the records is forgotten: stops under way and the ending too."""
        self.seen = replace(
            self.seen,
            ending=None,
            containers={
                name: ObservedContainer(attempts=known.attempts, started=known.running, ready=known.running)
                for name, known in self.seen.containers.items()
            },
        )
        self.plan = self.decide()

    @invariant()
    def terminal_phases_are_final(self) -> None:
        """A pod that was called Succeeded or Failed is called so for ever, and nothing of it runs."""
        final = [phase for phase in self.phases if phase in ("Succeeded", "Failed")]
        assert len(set(final)) <= 1
        if final:
            assert self.phases[-1] == final[0]
            assert not self.names()

    @invariant()
    def main_containers_come_after_init_containers(self) -> None:
        """No main container was ever started before each init container had succeeded."""
        spec = read_pod(self.pod)
        if any(self.seen.container(each.name).attempts for each in spec.main):
            for each in spec.init:
                codes = [attempt.exit_code for attempt in self.seen.container(each.name).attempts]
                assert codes, f"{each.name} never ran"
                assert each.role is Role.SIDECAR or codes[-1] == 0

    @invariant()
    def something_always_wakes_it(self) -> None:
        """A pod that neither runs nor waits nor has ended would be stuck."""
        if self.plan.course is Course.ACTIVE and not self.names():
            assert self.plan.wake_at is not None

    @invariant()
    def it_never_spins(self) -> None:
        """Nobody is woken at an instant that has passed: that would be a loop without rest."""
        assert self.plan.wake_at is None or self.plan.wake_at > self.now

    def teardown(self) -> None:
        """However its life went, a deleted pod ends within its grace period and the sidecars' minimum."""
        if not hasattr(self, "pod"):
            return
        self.is_deleted(5)
        for _ in range(4):
            self.time_passes(5)
        assert self.plan.course in (Course.REMOVE, Course.FORGET)


TestPodLife = PodLife.TestCase
TestPodLife.settings = settings(max_examples=60, stateful_step_count=25)


@given(
    deadlines=st.lists(st.integers(0, 60), min_size=1, max_size=6),
    gaps=st.lists(st.integers(0, 20), min_size=6, max_size=6),
)
def test_the_deadline_of_an_ending_only_comes_forward(deadlines: list[int], gaps: list[int]) -> None:
    """However often and with whatever grace period a pod is deleted, its end never moves away."""
    now, ending = NOW, None
    for grace, gap in zip(deadlines, gaps, strict=False):
        observed = RuntimeState(
            containers={"app": ObservedContainer(attempts=(ObservedAttempt(number=0, started_at=NOW),))},
            started_at=NOW,
            ending=ending,
        )
        plan = decide(read_pod(pod(metadata=deleted(grace))), observed, now=now, crash_loop=CURVE)
        assert isinstance(plan.ending, Ending)
        assert ending is None or plan.ending.deadline <= ending.deadline
        ending, now = plan.ending, now + gap
