"""A run records its result in the cluster, with the rights of its chart and through the faults of its API server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from autox.api.experiments import object_from_record
from autox.api.results import compact, encoded
from autox.core.experiments.looping import with_earlier
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ForbiddenError, UnreachableError
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.model.result import Bucket, ExperimentResult, Metric
from autox.model.verdict import Verdict
from autox.store.runnerstatus import STATUS_LIMIT
from autox.tasks.recalling import Recalled, recall
from autox.tasks.recording import ClusterRecorder, with_overlaps
from autox.tasks.retry import HURRIED, PATIENT, PROPAGATION, RetryPolicy
from tests.kube.apiserver import ApiServer
from tests.kube.proxy import Proxy
from tests.results.samples import FULL, ended
from tests.running.conftest import VALUES
from tests.running.release import ROLE_BINDINGS, Release, install, record_of

pytestmark = pytest.mark.integration

RUNNER_FIELDS = {"verdict", "startedAt", "completedAt", "loops", "totals", "tasks", "slos", "result"}


class Clock:
    """A clock that only sleeping puts forward."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stop = asyncio.Event()
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    def __call__(self) -> float:
        """Seconds since the test began, as far as the run can tell."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Time passes, and what was to happen meanwhile happens."""
        self.seconds += seconds
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        await asyncio.sleep(0.01)

    def retry(self) -> RetryPolicy:
        """The patience of a run with this clock."""
        return RetryPolicy(stop=self.stop, clock=self, sleep=self.sleep)


@dataclass(kw_only=True)
class Session:
    """One run's dealings with the cluster."""

    recorder: ClusterRecorder
    recalled: Recalled
    said: list[str] = field(default_factory=list)

    async def loop(self, verdict: Verdict = Verdict.PASS, **fields: Any) -> ExperimentResult:
        """One loop from beginning to end."""
        await self.recorder.progress(self.running())
        result = with_earlier(self.recalled.stored, replace(ended(verdict, subject=self.recalled.subject), **fields))
        await self.recorder.finish(result)
        return result

    def running(self) -> ExperimentResult:
        """The first of two tasks is done."""
        so_far = replace(ended(Verdict.ERROR, subject=self.recalled.subject), verdict=None, completed_at=None)
        return replace(so_far, tasks=so_far.tasks[:1], reason="", message="")


@asynccontextmanager
async def run_of(release: Release, *, clock: Clock | None = None) -> AsyncIterator[Session]:
    """A run that has the rights of its service account and has read what is there."""
    retry = (clock or Clock()).retry()
    said: list[str] = []
    names = (release.namespace, release.name)
    async with KubeClient(from_kubeconfig(release.kubeconfig)) as kube:
        recalled = await recall(kube, *names, workload="", retry=retry, say=said.append)
        recorder = ClusterRecorder(kube, *names, recalled=recalled, retry=retry, say=said.append)
        yield Session(recorder=recorder, recalled=recalled, said=said)


def large() -> dict[str, Any]:
    """Tasks of a result that no status has room for."""
    buckets = tuple(Bucket(lower=index / 7, upper=(index + 1) / 7, count=index) for index in range(5_000))
    metric = Metric(name="http/latency", unit="ms", value=1.0, buckets=buckets)
    return {"tasks": (replace(FULL.tasks[0], metrics=(metric,)), FULL.tasks[1])}


async def test_a_run_begins_and_ends(release: Release) -> None:
    """A run knows what it tests; while it runs the record says how far it is, and at the end what it found."""
    async with run_of(release) as run:
        assert (run.recalled.subject.version, run.recalled.subject.trigger_uid) == ("1.10", "0c7f")
        assert run.recalled.subject.trigger == f"deployments.apps/{release.namespace}/web"
        assert run.recalled.subject.images == ("registry.example/web:1.10",)

        await run.recorder.progress(run.running())
        status = await release.status()
        assert (status["tasks"], "verdict" in status) == ({"done": 1, "total": 2}, False)
        assert [task["task"] for task in status["result"]["tasks"]] == ["http"]

        result = await run.loop()

    status = await release.status()
    assert set(status) == RUNNER_FIELDS
    assert (status["verdict"], status["loops"], status["tasks"]) == ("Pass", 1, {"done": 2, "total": 2})
    assert status["slos"][0]["metric"] == "http/latency-mean"
    assert await release.result() == result
    assert await release.stored() is None


async def test_one_writer_for_each_field(release: Release) -> None:
    """The controller's fields and the runner's stand side by side, whoever writes last, and neither takes any over."""
    metadata = {"name": release.name, "namespace": release.namespace}
    controllers = {"phase": "Running", "reason": "Launched", "message": "its Job runs"}

    async def controller() -> None:
        body = {"metadata": metadata, "status": controllers}
        await release.kube.apply(EXPERIMENTS, body, field_manager="autox-controller", subresource="status", force=False)

    await controller()
    async with run_of(release) as run:
        await run.recorder.progress(run.running())
        await controller()
        await run.loop()
    await controller()

    record = await release.kube.get(EXPERIMENTS, release.name, namespace=release.namespace)
    owned = {
        entry["manager"]: {key.removeprefix("f:") for key in entry["fieldsV1"]["f:status"]} - {"."}
        for entry in record["metadata"]["managedFields"]
        if entry.get("subresource") == "status"
    }
    assert owned == {"autox-controller": set(controllers), "autox-runner": RUNNER_FIELDS}
    assert {key: record["status"][key] for key in controllers} == controllers


async def test_who_else_loaded_the_target_is_said(release: Release) -> None:
    """What the controller saw meanwhile stands in the result, with the task that measured, and nowhere else."""
    other = "shop/other-load-1 (group other, spec load)"
    body = {
        "metadata": {"name": release.name, "namespace": release.namespace},
        "status": {"overlaps": [other]},
    }
    async with run_of(release) as run:
        await run.recorder.progress(run.running())
        await release.kube.apply(EXPERIMENTS, body, field_manager="autox-overlaps", subresource="status")
        await run.loop()

    stored = await release.result()
    assert stored is not None
    told = {task.task: [note.text for note in task.notes if other in note.text] for task in stored.tasks}
    assert told == {
        "http": [f"experiment {other} loaded the same target at the same time: the figures are of both loads"],
        "assess": [],
    }
    assert (await release.status())["overlaps"] == [other]


@pytest.mark.parametrize("sent", [0.0, 9.0])
async def test_who_sent_nothing_loaded_nothing(sent: float) -> None:
    """Two loads of a Service without pods sent nothing, and said that their figures were of both."""
    load = replace(FULL.tasks[0], notes=(), metrics=(Metric(name="http/sent-count", unit="", value=sent),))

    told = with_overlaps(replace(FULL, tasks=(load,)), ["shop/other (group other, spec load)"])

    assert bool(told.tasks[0].notes) == bool(sent)


async def test_loops_accumulate(release: Release) -> None:
    """Runs of a CronJob add up, and while the next one runs the record shows what the one before found."""
    for verdict in (Verdict.PASS, Verdict.FAIL):
        async with run_of(release) as run:
            await run.loop(verdict)

    async with run_of(release) as run:
        before = await release.status()
        await run.recorder.progress(run.running())
        running = await release.status()
        assert running["tasks"] == {"done": 1, "total": 2}
        assert {key: running[key] for key in RUNNER_FIELDS - {"tasks", "slos"}} == {
            key: before[key] for key in RUNNER_FIELDS - {"tasks", "slos"}
        }
        await run.loop(Verdict.PASS)

    status = await release.status()
    assert (status["verdict"], status["loops"], status["totals"]) == ("Pass", 3, {"Pass": 2, "Fail": 1})
    assert [loop.verdict for loop in (await release.result()).history] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]


async def test_a_loop_that_crashed(release: Release) -> None:
    """A loop that ended without a result leaves those before it as they were, and what the controller said of it."""
    names = {"name": release.name, "namespace": release.namespace}
    async with run_of(release) as run:
        await run.loop(Verdict.PASS)
    async with run_of(release) as run:
        await run.recorder.progress(run.running())
    body = {"metadata": names, "status": {"verdict": "Error"}}
    await release.kube.apply(EXPERIMENTS, body, field_manager="autox-controller", subresource="status")

    async with run_of(release) as run:
        await run.recorder.progress(run.running())
        assert (await release.status())["verdict"] == "Error"
        await run.loop(Verdict.FAIL)

    status = await release.status()
    assert (status["verdict"], status["loops"], status["totals"]) == ("Fail", 2, {"Pass": 1, "Fail": 1})


async def test_a_result_that_is_too_large(release: Release) -> None:
    """A large result is kept whole in the Secret; the status has the rest of it, and later loops read the whole."""
    async with run_of(release) as run:
        result = await run.loop(**large())

    status = await release.status()
    assert status["resultSecret"] == f"{release.name}-result"
    assert len(encoded(status["result"])) <= STATUS_LIMIT
    assert await release.result() == compact(result)
    assert await release.stored() == result

    async with run_of(release) as run:
        assert run.recalled.stored == result
        await run.loop(Verdict.FAIL)
    status = await release.status()
    assert ("resultSecret" in status, status["loops"], status["verdict"]) == (False, 2, "Fail")
    assert len((await release.result()).history) == 2


async def test_a_secret_that_is_gone(release: Release) -> None:
    """Where the Secret with the whole result is gone, loops go on from the short form in the status."""
    async with run_of(release) as run:
        await run.loop(Verdict.FAIL, **large())
    await release.kube.delete(SECRETS, f"{release.name}-result", namespace=release.namespace)

    async with run_of(release) as run:
        await run.loop(Verdict.PASS)

    status = await release.status()
    assert (status["loops"], status["totals"]) == (2, {"Fail": 1, "Pass": 1})


async def test_a_result_that_is_far_too_large(release: Release) -> None:
    """However much a task measured or was told, the verdict is recorded."""
    task = replace(FULL.tasks[0], inputs={"payload": "x" * 300_000})

    async with run_of(release) as run:
        await run.loop(tasks=(task,), slos=FULL.slos * 5_000)

    status = await release.status()
    assert (status["verdict"], len(status["slos"])) == ("Pass", 100)
    assert (await release.result()).verdict is Verdict.PASS
    stored = await release.stored()
    assert stored is not None
    assert (stored.tasks, len(stored.slos)) == ((task,), 5_000)


async def test_a_run_without_a_record(release: Release) -> None:
    """A release that somebody installed by hand has no record: its Secret keeps the result, loops included."""
    await release.kube.delete(EXPERIMENTS, release.name, namespace=release.namespace)

    for verdict in (Verdict.FAIL, Verdict.PASS):
        async with run_of(release) as run:
            assert run.recalled.subject.experiment == release.name
            result = await run.loop(verdict)

    assert await release.stored() == result
    assert (result.loops, result.totals) == (2, {"Fail": 1, "Pass": 1})


async def test_a_record_that_goes_away(release: Release) -> None:
    """A record that is deleted while its run goes on leaves the result in the Secret; no record comes back by it."""
    async with run_of(release) as run:
        await run.recorder.progress(run.running())
        await release.kube.delete(EXPERIMENTS, release.name, namespace=release.namespace)
        result = await run.loop(Verdict.FAIL)

    assert await release.stored() == result
    assert not (await release.kube.list(EXPERIMENTS, namespace=release.namespace)).items


async def test_a_record_of_another_run(release: Release) -> None:
    """A record that was deleted and made anew belongs to another run, and is left alone."""
    async with run_of(release) as run:
        await release.kube.delete(EXPERIMENTS, release.name, namespace=release.namespace)
        await release.kube.create(EXPERIMENTS, object_from_record(record_of(release.namespace, release.name)))
        result = await run.loop(Verdict.FAIL)

    assert await release.status() == {}
    assert await release.stored() == result


@pytest.mark.parametrize(
    "found",
    [{"apiVersion": "autox.dev/v9"}, {"kind": "Nonsense", "loops": "many"}],
    ids=["newer", "nonsense"],
)
async def test_a_stored_result_that_makes_no_sense(release: Release, found: Object) -> None:
    """What cannot be read is not carried over; the run says so, and goes on."""
    body = {"metadata": {"name": release.name, "namespace": release.namespace}, "status": {"result": found}}
    await release.kube.apply(EXPERIMENTS, body, field_manager="somebody", subresource="status")

    async with run_of(release) as run:
        assert run.recalled.stored is None
        assert "not counted" in run.said[0]
        await run.loop()

    assert (await release.status())["loops"] == 1
    assert (await release.result()).verdict is Verdict.PASS


@pytest.mark.parametrize("data", ["bm8gZ3ppcA==", ""], ids=["no-gzip", "empty"])
async def test_a_secret_that_makes_no_sense(release: Release, data: str) -> None:
    """A Secret with something else in it does not stop a run."""
    await release.kube.delete(EXPERIMENTS, release.name, namespace=release.namespace)
    change = {"data": {"result.json.gz": data}}
    await release.kube.patch(SECRETS, f"{release.name}-result", change, namespace=release.namespace)

    async with run_of(release) as run:
        result = await run.loop()

    assert await release.stored() == result


async def test_rights_that_take_a_moment(release: Release) -> None:
    """Rights that come into force a moment after the pod started do not end the run."""
    binding = await release.kube.get(ROLE_BINDINGS, release.name, namespace=release.namespace)
    await release.kube.delete(ROLE_BINDINGS, release.name, namespace=release.namespace)
    names = {"name": release.name, "namespace": release.namespace}
    clock = Clock()
    clock.meanwhile.append(lambda: release.kube.create(ROLE_BINDINGS, {**binding, "metadata": names}))

    async with run_of(release, clock=clock) as run:
        await run.loop()

    assert (await release.status())["verdict"] == "Pass"


async def test_rights_that_never_come(release: Release) -> None:
    """A missing right is waited for a quarter of a minute, then told; progress gives up sooner, and says so."""
    clock = Clock()
    async with run_of(release, clock=clock) as run:
        await release.kube.delete(ROLE_BINDINGS, release.name, namespace=release.namespace)
        await run.recorder.progress(run.running())
        assert "progress was not recorded" in run.said[-1]
        assert clock.seconds < PROPAGATION
        with pytest.raises(ForbiddenError):
            await run.loop()

    assert clock.seconds <= 2 * PROPAGATION


async def test_an_api_server_that_is_away(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """While the API server is away a run goes on; once it is back the result is recorded."""
    async with Proxy(api_server.port) as proxy:
        release = await install(kube, api_server, namespace, VALUES, url=proxy.url)
        clock = Clock()
        async with run_of(release, clock=clock) as run:
            proxy.refuse()
            proxy.cut()
            await run.recorder.progress(run.running())
            assert "progress was not recorded" in run.said[-1]

            async def back() -> None:
                proxy.refuse(refusing=False)

            async def nothing() -> None:
                return

            clock.meanwhile = [nothing, nothing, back]
            await run.recorder.finish(with_earlier(None, ended(Verdict.FAIL, subject=run.recalled.subject)))

    assert (await release.status())["verdict"] == "Fail"


@pytest.mark.parametrize(("told_to_end", "seconds"), [(False, PATIENT), (True, HURRIED)], ids=["patient", "hurried"])
async def test_an_api_server_that_stays_away(
    kube: KubeClient, api_server: ApiServer, namespace: str, *, told_to_end: bool, seconds: float
) -> None:
    """A result is held for a minute, and for a quarter of that once the run was told to end; then that is an error."""
    async with Proxy(api_server.port) as proxy:
        release = await install(kube, api_server, namespace, VALUES, url=proxy.url)
        clock = Clock()
        async with run_of(release, clock=clock) as run:
            proxy.refuse()
            proxy.cut()
            if told_to_end:
                clock.stop.set()
            with pytest.raises(UnreachableError):
                await run.recorder.finish(ended(Verdict.FAIL))

    assert seconds - 5 <= clock.seconds <= seconds
