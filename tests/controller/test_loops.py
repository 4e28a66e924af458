"""Which loop of a multi-loop experiment a verdict is of, whatever the clocks of its nodes say."""

from datetime import datetime, timedelta

import pytest

from autox.kube.objects import Object, metadata, micro_timestamp
from autox.model.refs import CRON_JOBS, EXPERIMENTS, JOBS
from autox.model.verdict import Verdict
from tests.controller.scene import Scene
from tests.integration.objects import shell

pytestmark = pytest.mark.integration

TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [shell("exit 0")]}}


class Loops:
    """The CronJob of an experiment, and its runner on a node whose clock is an hour slow."""

    def __init__(self, scene: Scene, name: str, owner: Object) -> None:
        self._scene = scene
        self._name = name
        self._owner = owner
        self._clock = datetime.fromisoformat(metadata(owner)["creationTimestamp"]) - timedelta(hours=1)

    async def begin(self, number: int) -> None:
        """The Job controller makes a Job, which begins at once by the clock of the control plane."""
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": self._name, "uid": metadata(self._owner)["uid"]}
        names = self._names(f"{self._name}-{number}")
        labels = {"app.kubernetes.io/instance": self._name}
        made = await self._scene.kube.create(
            JOBS, {"metadata": names | {"labels": labels, "ownerReferences": [owner]}, "spec": {"template": TEMPLATE}}
        )
        await self._become(number, active=1, ready=1, startTime=metadata(made)["creationTimestamp"])

    async def end(self, number: int, verdict: str) -> None:
        """The runner says how its loop ended, and its Job ends."""
        result = {"startedAt": micro_timestamp(self._clock), "reason": "Told", "message": f"loop {number}"}
        self._clock += timedelta(seconds=10)
        await self._say(
            verdict=verdict, startedAt=result["startedAt"], completedAt=micro_timestamp(self._clock), result=result
        )
        await self._become(number, active=0, ready=0, succeeded=1)

    async def say_begun(self, before: Object) -> None:
        """The runner of the next loop shows that it is at work, and keeps what the one before it found."""
        kept = {key: before[key] for key in ("verdict", "completedAt", "result")}
        await self._say(**kept, startedAt=micro_timestamp(self._clock))

    async def crash(self, number: int) -> None:
        """The Job ends, and its runner has not said how."""
        await self._become(number, active=0, ready=0, succeeded=1)

    async def status(self) -> Object:
        """The status of the record after a look."""
        await self._scene.look()
        found = await self._scene.kube.get(EXPERIMENTS, self._name, namespace=self._scene.namespace)
        status: Object = found["status"]
        return status

    def _names(self, name: str) -> Object:
        return {"name": name, "namespace": self._scene.namespace}

    async def _say(self, **fields: object) -> None:
        body: Object = {"metadata": self._names(self._name), "status": fields}
        await self._scene.kube.apply(EXPERIMENTS, body, field_manager="autox-runner", subresource="status")

    async def _become(self, number: int, **status: object) -> None:
        await self._scene.kube.patch(
            JOBS, f"{self._name}-{number}", {"status": status}, namespace=self._scene.namespace, subresource="status"
        )


@pytest.fixture
async def loops(scene: Scene) -> Loops:
    """An experiment that was launched, with its CronJob."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    name = scene.running()[0]
    names = {"name": name, "namespace": scene.namespace, "labels": {"app.kubernetes.io/instance": name}}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": TEMPLATE}}}
    made = await scene.kube.create(CRON_JOBS, {"metadata": names, "spec": spec})
    return Loops(scene, name, made)


async def test_the_verdict_of_a_node_whose_clock_is_slow_stands(loops: Loops) -> None:
    """A loop that ended before its Job began, by two clocks, has told its verdict all the same."""
    await loops.begin(1)
    assert (await loops.status())["reason"] == "Running"
    await loops.end(1, "Pass")

    status = await loops.status()
    assert (status["verdict"], status["reason"], status["message"]) == ("Pass", "Told", "loop 1")


async def test_a_loop_that_crashed_does_not_live_on_the_verdict_before(loops: Loops) -> None:
    """Its runner had begun and shown the result of the loop before it, as it does, and then said nothing."""
    await loops.begin(1)
    await loops.end(1, "Pass")
    before = await loops.status()
    await loops.begin(2)
    await loops.say_begun(before)
    assert (await loops.status())["verdict"] == "Pass"
    await loops.crash(2)

    status = await loops.status()
    assert (status["verdict"], status["reason"]) == ("Error", "NoResult")


async def test_the_runners_error_is_told_though_the_controller_had_given_one(loops: Loops, scene: Scene) -> None:
    """After a loop that crashed, one that ends with the verdict Error says why itself."""
    await loops.begin(1)
    await loops.crash(1)
    assert (await loops.status())["reason"] == "NoResult"
    await loops.begin(2)
    await loops.end(2, "Error")

    status = await loops.status()
    assert (status["verdict"], status["reason"], status["message"]) == ("Error", "Told", "loop 2")
    await loops.begin(3)
    await loops.end(3, "Pass")
    assert (await loops.status())["verdict"] == "Pass"
    assert (await scene.by_version())["1"].verdict is Verdict.PASS
