"""What holds of every pod under every table: no write twice, never early, and the quick ways agree with the whole."""

import json
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autox.core.pods.stagefaults import WAYS, stage_faults
from autox.core.pods.stagetable import STANDARD_TABLE, before_standard
from autox.model.stages import ENDED, FOREVER, Selector, Stage, StageTable, State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podstatus import body, status_patch
from autox.nodes.mock.steps import Action, Step
from tests.mock.fates import BOUND, fate
from tests.mock.samples import HOST_IP, POD_IP, bound_pod, taken

NUMBERS = st.sampled_from(["0", "0.5", "1", "7", "30", "forever", "nonsense"])
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            "autox.dev/run-seconds",
            "autox.dev/start-seconds",
            "autox.dev/ready-seconds",
            "autox.dev/image-pull-error-seconds",
            "autox.dev/crash-seconds",
            "autox.dev/flap-seconds",
            "autox.dev/unready-seconds",
            "autox.dev/failure-probability",
            "example.com/other",
        ]
    ),
    NUMBERS,
    max_size=5,
)
NAMES = st.one_of(st.sampled_from(["main", "a"]), st.text(min_size=1, max_size=12))
CONTAINERS = st.lists(st.fixed_dictionaries({"name": NAMES, "image": NAMES}), min_size=1, max_size=3, unique_by=str)
SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-22T03:03:00Z"}


@st.composite
def pods(draw: st.DrawFn, *, annotations: st.SearchStrategy[dict[str, str]] = ANNOTATIONS) -> dict[str, Any]:
    """A pod just bound, of any kind that a mock node meets."""
    containers = draw(CONTAINERS)
    unique = {each["name"]: each for each in containers}
    spec: dict[str, Any] = {
        "restartPolicy": draw(st.sampled_from(["Always", "OnFailure", "Never"])),
        "containers": list(unique.values()),
    }
    if draw(st.booleans()):
        spec["initContainers"] = [{"name": "i", "image": "x"}, {"name": "s", "restartPolicy": "Always"}]
    if draw(st.booleans()):
        spec["readinessGates"] = [{"conditionType": "example.com/gate"}]
    if draw(st.booleans()):
        spec["activeDeadlineSeconds"] = draw(st.integers(1, 100))
    pod = bound_pod(annotations=draw(annotations), **spec)
    pod["metadata"] |= {
        "name": draw(st.from_regex(r"[a-z]{1,8}", fullmatch=True)),
        "creationTimestamp": "2026-11-22T03:00:00Z",
        "generation": draw(st.sampled_from([None, 1, 3])),
        "labels": draw(st.sampled_from([None, {"app": "x"}])),
    }
    if draw(st.booleans()):
        pod["status"]["conditions"] = [SCHEDULED]
    return {key: {name: value for name, value in part.items() if value is not None} for key, part in pod.items()}


@st.composite
def stages(draw: st.DrawFn, name: str) -> Stage:
    """A stage that leads somewhere a pod can go."""
    leaves = draw(st.sampled_from([state for state in State if WAYS[state]]))
    to = draw(st.sampled_from([state for state in State if state in WAYS[leaves]]))
    return Stage(
        name=name,
        leaves=(leaves,),
        to=to,
        selector=draw(st.sampled_from([Selector(), Selector(labels={"app": "*"}), Selector(namespaces=("default",))])),
        probability=draw(st.sampled_from([0.0, 0.3, 1.0])),
        probability_annotation=draw(st.sampled_from(["", "autox.dev/failure-probability"])),
        delay=draw(st.sampled_from([0.0, 0.0, 3.0, FOREVER, None])),
        delay_annotation=draw(st.sampled_from(["", "", "autox.dev/start-seconds"])),
        jitter=draw(st.sampled_from([0.0, 2.0])),
        exit_code=draw(st.sampled_from([0, 1])) if to is State.CRASHED else int(to is State.FAILED),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan whose table the reading of a file would let pass."""
    own = [draw(stages(f"own-{number}")) for number in range(draw(st.integers(0, 4)))]
    table = before_standard(own)
    assume(not list(stage_faults(table, own=[stage.name for stage in own])))
    return Plan(table=StageTable(stages=table, seed=draw(st.integers(0, 3))), run_seconds=draw(st.sampled_from([0, 1])))


def thorough(plan: Plan) -> Plan:
    """The same plan without anything prepared for plain pods."""
    slow = Plan(table=plan.table, run_seconds=plan.run_seconds)
    for name in ("_first", "_plain"):
        object.__setattr__(slow, name, MappingProxyType({}))
    return slow


@settings(max_examples=300)
@given(pod=pods(), plan=plans())
def test_no_write_is_made_twice(pod: dict[str, Any], plan: Plan) -> None:
    """Each write changes the pod, and after it there is rest or another stage; a write is never put right by a next."""
    before = pod
    for write in fate(pod, plan, writes=12):
        assert write.pod["status"] != before["status"]
        assert write.stage
        before = write.pod


@settings(max_examples=300)
@given(pod=pods(), plan=plans(), later=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_pod_as_it_was_written_is_told_in_the_same_words(pod: dict[str, Any], plan: Plan, later: timedelta) -> None:
    """Telling a state again, whenever, changes nothing: an agent that repeats itself does no harm."""
    for write in fate(pod, plan, writes=8):
        if write.state not in ENDED:
            told = pod_from(write.pod)
            step = Step(
                action=Action.WRITE,
                state=write.state,
                restarts=max(each.restart_count for each in told.status.container_statuses or ()),
                flaps=int((told.status.message or "0").rpartition(" ")[2]),
            )

            assert taken(write.pod, step, now=BOUND + later) == write.pod


@settings(max_examples=200)
@given(pod=pods(), plan=plans())
def test_writes_of_a_pod_are_never_without_pause(pod: dict[str, Any], plan: Plan) -> None:
    """Whatever its annotations say: no more in one second than there are states."""
    moments = [write.at for write in fate(pod, plan, writes=40)]

    assert all(later - sooner >= 1 for sooner, later in zip(moments, moments[len(State) :], strict=False))


@settings(max_examples=300)
@given(pod=pods(), plan=plans())
def test_the_quick_decision_is_the_thorough_one(pod: dict[str, Any], plan: Plan) -> None:
    """What is prepared for plain pods says the same as the whole table."""
    slow = thorough(plan)
    for each in (pod, *(write.pod for write in fate(pod, plan, writes=6))):
        assert decide(pod_from(each), plan) == decide(pod_from(each), slow)


@settings(max_examples=300)
@given(pod=pods(), plan=plans(), address=st.ip_addresses(v=4).map(str))
def test_the_quick_body_is_the_thorough_one(pod: dict[str, Any], plan: Plan, address: str) -> None:
    """What is put together from prepared bytes is the same JSON as the whole, whatever stands in the names."""
    for each in (pod, *(write.pod for write in fate(pod, plan, writes=4))):
        typed = pod_from(each)
        step = decide(typed, plan)
        if step.action is Action.WRITE:
            written = body(typed, step, host_ip=HOST_IP, pod_ip=address, now=BOUND)

            assert json.loads(written) == status_patch(typed, step, host_ip=HOST_IP, pod_ip=address, now=BOUND)


@given(pod=pods(annotations=st.just({})), now=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  - in UTC below
def test_the_quick_body_tells_the_time_as_the_thorough_one(pod: dict[str, Any], now: datetime) -> None:
    """Cut to the second, at any moment."""
    typed = pod_from(pod)
    step = Step(action=Action.WRITE, state=State.READY)
    moment = now.replace(tzinfo=UTC)
    written = body(typed, step, host_ip=HOST_IP, pod_ip=POD_IP, now=moment)

    assert json.loads(written) == status_patch(typed, step, host_ip=HOST_IP, pod_ip=POD_IP, now=moment)


@settings(max_examples=200)
@given(pod=pods(), plan=plans())
def test_containers_that_have_ended_for_good_never_run_again(pod: dict[str, Any], plan: Plan) -> None:
    """The API server refuses that, by the restart policy and the exit code."""
    policy = pod["spec"]["restartPolicy"]
    ends: list[int] = []
    for write in fate(pod, plan, writes=12):
        assert policy == "Always" or all(policy == "OnFailure" and code for code in ends) or write.state in ENDED
        end = write.container["state"].get("terminated")
        ends = [end["exitCode"]] if end else []


def test_the_standard_table_has_no_fault() -> None:
    """It is held to what files are held to."""
    names = [stage.name for stage in STANDARD_TABLE.stages]

    assert list(stage_faults(STANDARD_TABLE.stages, own=names)) == []
    assert len(set(names)) == len(names)
