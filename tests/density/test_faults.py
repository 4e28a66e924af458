"""Servers that answer as no API server should, and what a density run makes of that."""

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from autox.core.loads.workloads import Planned, expand, plan_of
from autox.model.density import DensityInputs
from autox.model.errors import ForbiddenError
from autox.tasks.density.cancellation import beside, uninterrupted
from autox.tasks.density.cleanup.sweeping import Remains, remove
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load.loading import Sent, create_all
from autox.tasks.density.target import identify, kubeconfig_of
from tests.kube.hostile import serving, status

MARKS = RunLabels(run="r", namespace="autox-density-00000000")


def planned(inputs: DensityInputs) -> list[Planned]:
    """The objects of a run."""
    return list(expand(plan_of(inputs), nodes=inputs.nodes))


async def test_every_deployment_is_created_through_all_trouble() -> None:
    """Turned away, failed, cut off after it was done: each is sent again, and how often is told."""
    attempts: dict[str, int] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        name = (await request.json())["metadata"]["name"]
        attempts[name] = attempts.get(name, 0) + 1
        if attempts[name] > 1:
            taken = web.json_response({"spec": {"replicas": 1}}, status=201)
            return status(409, "AlreadyExists") if name == "load-2" else taken
        if name == "load-0":
            return status(429, "TooManyRequests", "a moment, please")
        if name == "load-1":
            return status(500, "InternalError")
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    sent = Sent()
    async with serving(handler) as kube:
        await create_all(
            kube,
            planned(DensityInputs(pods=3, pods_per_deployment=1, rate=1000.0)),
            MARKS,
            sent,
            began=time.monotonic(),
        )

    assert attempts == {"load-0": 2, "load-1": 2, "load-2": 2}
    assert (sent.created, sent.hindered, sent.repeated, sent.throttled) == (3, 3, 3, 1)


@pytest.mark.parametrize("replicas", [0, 3, 20, None])
async def test_an_admission_that_changes_the_replicas_is_told(replicas: int | None) -> None:
    """A Deployment that was taken with other replicas is not the one that was asked for; nobody looked at that."""

    async def handler(request: web.Request) -> web.StreamResponse:
        made = await request.json()
        made["spec"]["replicas"] = replicas
        return web.json_response(made, status=201)

    sent = Sent()
    async with serving(handler) as kube:
        await create_all(kube, planned(DensityInputs(pods=10)), MARKS, sent, began=time.monotonic())

    assert sent.changed == f"an admission made 10 replicas of a Deployment {replicas}"


async def test_a_refusal_ends_the_creation() -> None:
    """What will be refused again is not sent again, and nothing is sent after it."""
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        del request
        asked += 1
        return status(403, "Forbidden", "exceeded quota: few")

    async with serving(handler) as kube:
        with pytest.raises(ForbiddenError, match="exceeded quota: few"):
            await create_all(kube, planned(DensityInputs(pods=100, rate=10.0)), MARKS, Sent(), began=time.monotonic())

    assert asked == 1


def test_deployments_are_due_as_the_rate_says() -> None:
    """Every Deployment at the time when the pods before it are due, the last with the rest."""
    every = planned(DensityInputs(pods=25, pods_per_deployment=10, rate=5.0))

    assert [(each.at, each.pods) for each in every] == [(0.0, 10), (2.0, 10), (4.0, 5)]
    assert len({each.name for each in every}) == 3


async def test_one_object_that_may_not_go_does_not_keep_the_others() -> None:
    """The refusal is told when everything else is gone."""
    gone: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        if request.method == "DELETE" and name == "n-1":
            return status(403, "Forbidden", "hands off")
        gone.append(request.path)
        return status(404, "NotFound")

    async with serving(handler) as kube:
        with pytest.raises(ForbiddenError, match="hands off"):
            await remove(kube, Remains(nodes=("n-0", "n-1", "n-2")), seconds=30.0)

    assert {path.rpartition("/")[2] for path in gone} == {"n-0", "n-2"}


@pytest.mark.parametrize(
    "answer", [{}, {"status": None}, {"metadata": {"creationTimestamp": "soon"}}, {"metadata": []}]
)
async def test_a_server_that_does_not_say_who_we_are(answer: dict[str, object]) -> None:
    """Nobody in particular, then, at the time that our own clock has."""

    async def handler(request: web.Request) -> web.StreamResponse:
        del request
        return web.json_response(answer, status=201)

    async with serving(handler) as kube:
        identity = await identify(kube)

    assert identity.groups == ()
    assert not identity.is_exempt
    assert identity.now.tzinfo is not None


def test_a_mounted_kubeconfig_is_found_below_its_sandbox(tmp_path: Path) -> None:
    """On a node without mount namespaces the path in the document leads to the container's own file."""
    mounted = tmp_path / "etc" / "autox" / "kubeconfig"
    mounted.parent.mkdir(parents=True)
    mounted.write_text("")
    environ = {"CONTAINER_SANDBOX_MOUNT_POINT": str(tmp_path)}

    assert kubeconfig_of(DensityInputs(kubeconfig=Path("/etc/autox/kubeconfig")), environ) == mounted
    assert kubeconfig_of(DensityInputs(kubeconfig=mounted), environ) == mounted
    assert kubeconfig_of(DensityInputs(kubeconfig=Path("/etc/autox/kubeconfig")), {}) == Path("/etc/autox/kubeconfig")


async def test_cleaning_goes_on_through_any_number_of_cancellations() -> None:
    """Whoever is impatient is obeyed, but afterwards."""
    cleaned = asyncio.Event()

    async def clean() -> None:
        await asyncio.sleep(0.05)
        cleaned.set()

    task = asyncio.create_task(uninterrupted(clean()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_work_ends_with_what_it_rests_on() -> None:
    """When the virtual nodes fail, the run fails with their reason, and nothing of it goes on."""
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def fail() -> None:
        raise ForbiddenError("no nodes for you")

    with pytest.raises(ForbiddenError, match="no nodes for you"):
        await beside(asyncio.create_task(fail()), work())
    assert cancelled.is_set()
