"""``autox assert`` opens for the version that is there now, when it has been tested and everything was met."""

import asyncio
import json
from typing import Any

import pytest

from autox.cli.parts.assertions import Condition
from autox.cli.parts.waiting import Wanted, checked_within
from autox.model.refs import EXPERIMENT_GROUPS
from tests.kube.apiserver import ApiServer
from tests.reading.scene import OK, SLOW, Scene, broken, failed, passed, result, untested

pytestmark = pytest.mark.integration

ALL = "completed,nofailure,slos"
RUNNING: dict[str, Any] = {"phase": "Running"}
NO_SLOS = {"reason": "NoSLOs", "message": "no SLO was given"}
NO_DATA = {
    "phase": "Completed",
    "verdict": "NoData",
    "loops": 1,
    **NO_SLOS,
    "result": result("NoData", *NO_SLOS.values()),
}
DELETED = {"phase": "Deleted"}
NOTHING_RAN = {"phase": "Completed", "verdict": "NoData", "reason": "NoWorkload", "message": "its runner may be none"}
FOREIGN_FAILED = {"phase": "Completed", "verdict": "Error", "reason": "BackoffLimitExceeded", "message": "exit code 1"}
FOREIGN_DONE = {"phase": "Completed", "verdict": "Error", "reason": "NoResult", "message": "the Job left no result"}
INVALID = passed() | {"verdict": "Invalid", "result": result("Invalid", "LoadInvalid", "the generator fell behind")}
IN_VAIN = "100 of 100 requests failed: connection refused"
ALL_FAILED = NO_DATA | {"result": result("NoData", *NO_SLOS.values(), fruitless=IN_VAIN)}
INTERRUPTED = untested() | {"result": result("Error", "Interrupted", "after 3 s", "Failed", "Skipped")}
CRASHED = passed() | {"phase": "Running", "verdict": "Error", "reason": "JobFailed", "message": "exit code 137"}


@pytest.mark.parametrize(
    ("status", "conditions", "code"),
    [
        pytest.param(passed(), ALL, 0, id="passed"),
        pytest.param(failed(), ALL, 1, id="an SLO was not met"),
        pytest.param(failed(), "completed,nofailure", 0, id="which is no failure"),
        pytest.param(untested(), ALL, 3, id="a task failed"),
        pytest.param(untested(), "completed", 3, id="so that the tasks after it did not run"),
        pytest.param(untested(), "SLOs", 3, id="which meets no SLO"),
        pytest.param(broken(), "completed", 3, id="its Job ended without a word"),
        pytest.param(INTERRUPTED, "completed", 3, id="interrupted"),
        pytest.param(CRASHED, "completed", 3, id="a CronJob whose latest loop crashed"),
        pytest.param(NOTHING_RAN, "completed", 3, id="runner none: no task has run"),
        pytest.param(NOTHING_RAN, "completed,nofailure", 3, id="and nothing that could fail is no success"),
        pytest.param(FOREIGN_FAILED, "completed,nofailure", 3, id="the Job of a foreign chart failed"),
        pytest.param(FOREIGN_DONE, "nofailure", 3, id="the Job of a foreign chart told nothing"),
        pytest.param(ALL_FAILED, "completed", 0, id="every request failed: the task has run"),
        pytest.param(ALL_FAILED, "nofailure", 3, id="and there is nothing to judge"),
        pytest.param(INVALID, "nofailure", 3, id="figures that must not be believed are nothing to judge by"),
        pytest.param(NO_DATA, "slos", 3, id="nothing was measured"),
        pytest.param(NO_DATA, "nofailure", 0, id="though nothing broke"),
        pytest.param(RUNNING, "completed", 4, id="still running"),
        pytest.param(RUNNING, "nofailure", 4, id="nothing has failed yet, and nothing has run"),
        pytest.param({}, "slos", 4, id="not launched yet"),
        pytest.param(DELETED, "completed", 3, id="deleted before it had run"),
        pytest.param(passed() | DELETED, ALL, 0, id="deleted after it had passed"),
        pytest.param(passed() | RUNNING, ALL, 0, id="a CronJob after its first loop"),
        pytest.param(passed() | {"slos": []}, ALL, 0, id="the verdict counts"),
    ],
)
async def test_one_experiment(scene: Scene, status: dict[str, Any], conditions: str, code: int) -> None:
    """Each condition is answered from the record; what never ran, or failed in all, was completed without failure."""
    name = await scene.experiment(**status)

    done = await scene.autox("assert", name, "-c", conditions)

    assert done.code == code, done.out + done.err
    assert done.out.startswith(f"{name}  version 2.0\n")


async def test_what_was_seen_is_told(scene: Scene) -> None:
    """Each condition has a line with what its answer rests on."""
    name = await scene.experiment(**failed())

    text = await scene.autox("assert", name, "-c", "Completed", "-c", "SLOS,completed", columns=100)
    data = await scene.autox("assert", name, "-c", "slos", "-o", "json")

    assert text.out.splitlines()[1:] == [
        "  completed  yes      phase Completed, 1 loop",
        "  slos       no       verdict Fail: http/latency-p99 is 312 ms, wanted at most 100 ms",
    ]
    assert json.loads(data.out) == {
        "holds": False,
        "exitCode": 1,
        "experiments": [
            {
                "name": name,
                "spec": "load",
                "version": "2.0",
                "conditions": [
                    {
                        "condition": "slos",
                        "holds": False,
                        "seen": "verdict Fail: http/latency-p99 is 312 ms, wanted at most 100 ms",
                    }
                ],
            }
        ],
    }


async def test_a_long_reason_is_told_once_and_fits(scene: Scene) -> None:
    """What keeps two conditions from holding is one thing to read, at the width of the terminal."""
    reason = " ".join(["it was evicted"] * 6)
    name = await scene.experiment(**broken() | {"message": reason})

    done = await scene.autox("assert", name, "-c", "nofailure,slos", columns=44)

    assert " ".join(done.out.split()).count(reason) == 1
    assert "  slos       no       for the same reason" in done.out.splitlines()
    assert max(map(len, done.out.splitlines())) <= 44


async def test_a_verdict_is_told_before_the_controller_has_seen_it(scene: Scene) -> None:
    """The runner has said so, and that counts; no phase seems to deny it."""
    name = await scene.experiment(**passed() | {"phase": "Running"})

    done = await scene.autox("assert", name, "-c", "completed")

    assert done.out.splitlines()[1:] == ["  completed  yes      1 loop"]


@pytest.mark.parametrize("command", ["assert", "history", "why"])
@pytest.mark.parametrize(
    "stale",
    [
        pytest.param({"reason": "Running", "message": "Job j runs"}, id="its Job runs"),
        pytest.param({"reason": "Starting", "message": "Job j has no pod yet"}, id="its Job has no pod"),
        pytest.param({"reason": "PodWaiting", "message": "the pod of j does not start"}, id="its pod waits"),
        pytest.param({"reason": "NewVersion", "message": "the version is 2.0"}, id="it was just launched"),
        pytest.param({"reason": "TaskFailed", "message": "task ready failed: no pods"}, id="the loop before said so"),
    ],
)
async def test_a_verdict_has_the_words_of_its_own_moment(scene: Scene, stale: dict[str, str], command: str) -> None:
    """The controller has not seen the end: "verdict Error: Running: Job runs" was no sentence of anybody's."""
    name = await scene.experiment(uid=await scene.opted_in(), **untested("no route") | {"phase": "Running"} | stale)
    await scene.group()
    argv = {"assert": ("assert", name, "-c", "slos"), "history": ("history",), "why": ("why", "deploy/web")}[command]

    text = await scene.autox(*argv)
    data = await scene.autox(*argv, "-o", "json")

    assert "TaskFailed: task http failed: no route" in text.out
    assert "task http failed: no route" in data.out
    assert stale["message"] not in text.out + data.out


@pytest.mark.parametrize("verdict", ["Invalid", "Error", "NoData"])
async def test_a_verdict_is_told_with_its_own_reason(scene: Scene, verdict: str) -> None:
    """A run that nobody may believe was told with the limits that its figures broke, as if those were why."""
    uid = await scene.opted_in()
    await scene.group()
    told = {"reason": "LoadInvalid", "message": "the generator fell behind"}
    ended = passed() | {"verdict": verdict, "slos": [OK, SLOW], "result": result(verdict, *told.values())} | told
    name = await scene.experiment(uid=uid, **ended)

    asserted = await scene.autox("assert", name, "-c", "slos")
    listed, explained = await scene.autox("history"), await scene.autox("why", "deployment/web")

    assert f"verdict {verdict}: LoadInvalid: the generator fell behind" in " ".join(asserted.out.split())
    for shown in (asserted, listed, explained):
        assert "the generator fell behind" in " ".join(shown.out.split())
        assert "http/latency-p99" not in shown.out


async def test_who_interrupted_it_is_told(scene: Scene) -> None:
    """Only the controller knows by whom, and it says so behind the runner's words."""
    told = {"reason": "Interrupted", "message": "after 3 s: Evicted: the node was low on memory"}
    name = await scene.experiment(**INTERRUPTED | told)

    done = await scene.autox("assert", name, "-c", "nofailure", columns=200)

    assert "verdict Error: Interrupted: after 3 s: Evicted: the node was low on memory" in done.out


async def test_only_the_present_version_counts(scene: Scene) -> None:
    """A pass of the version before, of the trigger's predecessor or of a deleted run opens nothing."""
    uid = await scene.opted_in("2.0")
    await scene.group()
    await scene.experiment(uid=uid, version="1.0", **passed())
    await scene.experiment(uid="of-another-web", version="2.0", **passed())
    await scene.experiment(uid=uid, version="2.0", revision=1, **passed() | DELETED)

    before = await scene.autox("assert", "-g", "shop", "-c", "slos")
    name = await scene.experiment(uid=uid, version="2.0", revision=2, **passed())
    after = await scene.autox("assert", "-g", "shop", "-c", "slos")

    assert (before.code, "no experiment tests version 2.0 yet" in before.out) == (4, True)
    assert (after.code, name in after.out) == (0, True)


async def test_every_spec_must_hold(scene: Scene) -> None:
    """One that is missing keeps the gate closed, unless only another one is asked for."""
    uid = await scene.opted_in()
    await scene.group("load", "density")
    await scene.experiment(uid=uid, **passed())

    both = await scene.autox("assert", "-g", "shop", "-c", ALL)
    one = await scene.autox("assert", "-g", "shop", "-s", "load", "-c", ALL)
    none = await scene.autox("assert", "-g", "shop", "-s", "laod", "-c", ALL)

    assert (both.code, "spec density" in both.out) == (4, True)
    assert one.code == 0
    assert (none.code, "Its specs: density, load" in none.err) == (3, True)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        pytest.param(None, "does not exist", id="no trigger"),
        pytest.param({}, "iter8.tools/autox=true", id="not opted in"),
        pytest.param({"iter8.tools/autox": "false"}, "only iter8.tools/autox=true opts in", id="opted out"),
        pytest.param({"iter8.tools/autox": "true"}, "app.kubernetes.io/version=VERSION", id="no version"),
    ],
)
async def test_why_nothing_can_be_asserted_is_told(scene: Scene, labels: dict[str, str] | None, said: str) -> None:
    """What is missing is named with the command that adds it."""
    if labels is not None:
        await scene.web(**labels)
    await scene.group()

    done = await scene.autox("assert", "-g", "shop", "-c", "slos")

    assert (done.code, said in " ".join(done.out.split())) == (4, True), done.out + done.err


async def test_a_group_that_was_just_edited_is_waited_for(scene: Scene) -> None:
    """The experiments of what the group was before say nothing."""
    uid = await scene.opted_in()
    await scene.group()
    await scene.experiment(uid=uid, **passed())
    change = {"spec": {"history": {"limit": 3}}}
    await scene.kube.patch(EXPERIMENT_GROUPS, "shop", change, namespace=scene.namespace)

    done = await scene.autox("assert", "-g", "shop", "-c", "slos")

    assert (done.code, "has not seen the group as it is now" in done.out) == (4, True)


async def test_who_may_not_read_the_trigger_asks_the_group(scene: Scene, api_server: ApiServer, reader: str) -> None:
    """The controller's status says which version it has seen."""
    uid = await scene.opted_in("3.0")
    seen = {"uid": uid, "version": "2.0", "optedIn": True}
    await scene.group(status={"observedGeneration": 1, "trigger": seen})
    await scene.experiment(uid=uid, version="2.0", **passed())

    done = await scene.autox(
        "assert", "-g", "shop", "-c", "slos", KUBECONFIG=str(api_server.kubeconfig(reader, groups=()))
    )

    assert done.code == 0, done.out + done.err


async def test_it_waits_until_it_is_known(scene: Scene) -> None:
    """With a timeout the answer comes as soon as the record has it."""
    uid = await scene.opted_in()
    await scene.group()
    wanted = Wanted(
        namespace=scene.namespace, name="", group="shop", spec="", conditions=(Condition.COMPLETED, Condition.SLOS)
    )
    waiting = asyncio.create_task(checked_within(scene.kube, wanted, seconds=60.0))
    name = await scene.experiment(uid=uid, phase="Running")
    await scene.set_status(name, **failed())

    [checked] = await waiting

    assert checked.name == name
    assert [finding.answer.value for finding in checked.findings] == ["yes", "no"]


async def test_it_does_not_wait_for_ever(scene: Scene) -> None:
    """Exit code 4 is neither a pass nor a fail."""
    name = await scene.experiment(**RUNNING)

    done = await scene.autox("assert", name, "-c", "completed", "--timeout", "500ms")

    assert (done.code, "not known after 0.5 s" in done.out) == (4, True)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("x",), "Missing option"),
        (("-c", "slos"), "NAME of an experiment or a group"),
        (("x", "-g", "shop", "-c", "slos"), "NAME of an experiment or a group"),
        (("x", "-s", "load", "-c", "slos"), "say -g too"),
        (("x", "-c", "slo"), "completed, nofailure, slos"),
        (("x", "-c", ""), "completed, nofailure, slos"),
        (("x", "-c", "slos", "--timeout", "soon"), "not a duration"),
        (("x", "-c", "slos", "--timeout", "-1s"), "not a duration"),
    ],
)
async def test_mistakes(scene: Scene, argv: tuple[str, ...], said: str) -> None:
    """Exit code 2, so that a typing error closes no gate as an SLO would."""
    done = await scene.autox("assert", *argv)

    assert (done.code, said in done.err) == (2, True), done.err


async def test_what_is_not_there(scene: Scene) -> None:
    """Exit code 3, at once."""
    experiment = await scene.autox("assert", "nope", "-c", "slos", "--timeout", "60s")
    group = await scene.autox("assert", "-g", "nope", "-c", "slos", "--timeout", "60s")

    assert (experiment.code, "no experiment nope" in experiment.err) == (3, True)
    assert (group.code, "no experiment group nope" in group.err) == (3, True)


async def test_an_api_server_that_stays_away(scene: Scene, api_server: ApiServer) -> None:
    """It is tried until the time is over, and is an error then, not a timeout of the experiment."""
    nowhere = str(api_server.kubeconfig(url="https://127.0.0.1:9"))

    done = await scene.autox("assert", "x", "-c", "slos", "--timeout", "200ms", KUBECONFIG=nowhere)

    assert (done.code, "127.0.0.1:9" in done.err) == (3, True)
