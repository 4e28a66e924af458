"""``autox run`` as users and Jobs call it: exit codes, what it prints, and what a signal does."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from autox.api.results import result_from_object
from autox.kube.client import KubeClient
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.model.verdict import Verdict
from tests.clusters import Done
from tests.kube.apiserver import ApiServer, free_port
from tests.load.targets import Seen, Writer, hello, serving
from tests.running.commands import ALONE, document, finished, printed, refused, run, started
from tests.running.conftest import VALUES
from tests.running.release import Release, install

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def shop(port: int, **environ: str) -> AsyncIterator[None]:
    """The app of the examples, listening."""
    command = [sys.executable, "-u", str(ROOT / "examples" / "demo" / "shop.py")]
    async with started(command, {"PORT": str(port), "POD_IP": "127.0.0.1", **environ}) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        yield


@pytest.mark.parametrize(
    ("environ", "code", "verdict"),
    [({}, 0, "Pass"), ({"DELAY_SECONDS": "0.2"}, 1, "Fail")],
    ids=["fast", "slow"],
)
async def test_the_story_without_a_cluster(environ: dict[str, str], code: int, verdict: str, tmp_path: Path) -> None:
    """The example runs as it stands: a fast app passes, a slow one fails, and the report says what was seen."""
    port = free_port()
    experiment = (ROOT / "examples" / "local" / "experiment.yaml").read_text()
    assert ":8080/" in experiment
    path = tmp_path / "experiment.yaml"
    path.write_text(experiment.replace(":8080/", f":{port}/"))

    async with shop(port, **environ):
        done = await run("-f", str(path))

    assert done.code == code, done.err
    assert done.out.startswith(verdict)
    assert "http/latency-mean" in done.out
    assert "task 1/2 http: begins" in done.err
    assert "task 2/2 assess: done" in done.err


async def test_the_result_as_json(tmp_path: Path) -> None:
    """With -o json standard output is the document and nothing else, and --result puts it into a file as well."""
    async with serving(hello) as target:
        path = document(tmp_path, f"http://127.0.0.1:{target.port}/")
        done = await run("-f", str(path), "-o", "json", "--result", str(tmp_path / "result.json"))

    assert printed(done).environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert result_from_object(json.loads((tmp_path / "result.json").read_text())) == printed(done)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("tasks: [{task: litmus}]", "tasks[0].task"),
        ("tasks: []", "tasks"),
        ("", "experiment.yaml"),
        ("tasks: [{task: http, with: {url: 'web:8080'}}]", "http://"),
        ("tasks: [{task: http, with: {url: 'http://web', qps: -1}}]", "qps"),
        ("tasks: [{task: assess, with: {SLOs: {upper: {http/latency-mean: 5}}}}]", "http"),
    ],
)
async def test_a_document_that_is_not_valid(text: str, what: str, tmp_path: Path) -> None:
    """A mistake in the document is told by its place, before anything is sent; the exit code is 2."""
    path = tmp_path / "experiment.yaml"
    path.write_text(text)

    done = await refused("-f", str(path))

    assert (done.code, done.out) == (2, "")
    assert what in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "argv",
    [
        ["-f", "/nowhere/experiment.yaml"],
        ["-f", "{path}", "--experiment", "web"],
        ["-f", "{path}", "--experiment", "Shop/web"],
        ["-f", "{path}", "--result", "/nowhere/result.json"],
        ["-f", "{path}", "--experiment", "shop/web", "--kubeconfig", "/nowhere/kubeconfig"],
        ["-f", "{path}", "--experiment", "shop/web"],
        [],
    ],
    ids=" ".join,
)
async def test_what_cannot_be_run(argv: list[str], tmp_path: Path) -> None:
    """A flag that makes no sense is told in a line, and nothing is sent."""
    async with serving(hello) as target:
        path = str(document(tmp_path, f"http://127.0.0.1:{target.port}/"))
        # NB: whoever looks for a cluster has begun to listen to signals, which only a main thread may.
        command = run if "shop/web" in argv else refused
        done = await command(*(word.replace("{path}", path) for word in argv))

    assert done.code == 2
    assert "Traceback" not in done.err
    assert target.requests == []


async def test_a_task_that_needs_a_cluster(tmp_path: Path) -> None:
    """A task that looks into a cluster says which kubeconfig it missed."""
    path = tmp_path / "experiment.yaml"
    path.write_text("tasks: [{task: ready, with: {deploy: web}}]")

    done = await run("-f", str(path))

    assert done.code == 2
    assert "/nowhere" in done.err


async def _interrupted(number: signal.Signals, *argv: str, environ: dict[str, str]) -> Done:
    """A run that gets a signal once its load has begun."""
    async with (
        serving(hello) as target,
        started([sys.executable, "-m", "autox", "run", *argv, "-o", "json"], environ) as process,
    ):
        del target
        assert process.stderr is not None
        while b"http: begins" not in await process.stderr.readline():
            pass
        process.send_signal(number)
        return await finished(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """A run that is told to end does so at once, with a verdict and a report of what it did until then."""
    path = document(tmp_path, "http://127.0.0.1:9/", numRequests=None, duration="1h")
    done = await _interrupted(number, "-f", str(path), environ=ALONE)

    assert done.code == 3
    assert (printed(done).verdict, printed(done).reason) == (Verdict.ERROR, "Interrupted")


@pytest.mark.integration
async def test_a_run_in_a_cluster(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """A Job's run records what it found and on what, and exits 0 though an SLO was not met."""
    async with serving(hello) as target:
        http = {"url": f"http://127.0.0.1:{target.port}/", "numRequests": 10, "qps": 200}
        limits = {"lower": {"http/latency-mean": 5_000}}
        release = await install(kube, api_server, namespace, {**VALUES, "http": http, "assess": {"SLOs": limits}})
        async with started(release.command(), {**release.environ, "NODE_NAME": "here"}) as process:
            done = await finished(process)

    assert done.code == 0, done.err
    assert done.out.startswith("Fail")
    status, result = await release.status(), await release.result()
    assert (status["verdict"], status["tasks"]) == ("Fail", {"done": 2, "total": 2})
    assert (result.reason, result.subject.version, result.environment["node"]) == ("SLONotMet", "1.10", "here")
    assert result.environment["kubernetes"].startswith("v1.")


@pytest.mark.integration
async def test_loops_of_a_cron_job(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """Three runs of one experiment are three loops in its record."""
    limits = {"lower": {"http/request-count": 1_000}}
    release = await install(kube, api_server, namespace, {**VALUES, "assess": {"SLOs": limits}})
    for _ in range(3):
        async with started(release.command(), release.environ) as process:
            assert (await finished(process)).code == 0

    status = await release.status()
    assert (status["loops"], status["totals"], status["verdict"]) == (3, {"Fail": 3}, "Fail")


@pytest.mark.integration
async def test_a_pod_that_is_ended(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """A pod that is being ended leaves its verdict: Error, because it was interrupted."""
    reached = asyncio.Event()

    async def stalling(_seen: Seen, _writer: Writer) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with serving(stalling) as target:
        http = {"url": f"http://127.0.0.1:{target.port}/", "duration": "1h"}
        release = await install(kube, api_server, namespace, {**VALUES, "http": http})
        async with started(release.command(), release.environ) as process:
            await reached.wait()
            process.terminate()
            done = await finished(process)

    assert done.code == 0, done.err
    status, result = await release.status(), await release.result()
    assert (status["verdict"], result.reason) == ("Error", "Interrupted")
    assert "into task http" in result.message


@pytest.mark.integration
async def test_an_invalid_experiment_is_recorded(release: Release) -> None:
    """A document that is not valid is exit code 2 and a verdict in the record, with the field that is wrong."""
    release.document.write_text("tasks: [{task: http, with: {url: 'http://web', qps: -1}}]")
    async with started(release.command(), release.environ) as process:
        done = await finished(process)

    assert done.code == 2
    assert "qps" in done.err
    result = await release.result()
    assert (result.verdict, result.reason) == (Verdict.ERROR, "InvalidExperiment")
    assert "qps" in result.message


@pytest.mark.integration
async def test_a_result_that_cannot_be_recorded(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """A run that may not record its result exits 3 and leaves it in its log."""
    async with serving(hello) as target:
        http = {"url": f"http://127.0.0.1:{target.port}/", "numRequests": 5}
        release = await install(kube, api_server, namespace, {**VALUES, "http": http})
        await kube.delete(EXPERIMENTS, release.name, namespace=namespace)
        await kube.delete(SECRETS, f"{release.name}-result", namespace=namespace)
        async with started(release.command(), release.environ) as process:
            done = await finished(process)

    assert done.code == 3
    assert "could not be recorded" in done.err
    lost = next(line for line in done.err.splitlines() if line.startswith("so that it is not lost: "))
    assert result_from_object(json.loads(lost.partition(": ")[2])).loops == 1


@pytest.mark.integration
async def test_secrets_stay_secret(kube: KubeClient, api_server: ApiServer, namespace: str) -> None:
    """Tokens in headers, URLs and payloads are sent, and appear in no argument, log, report, status or Secret."""
    reached = asyncio.Event()

    async def answering(seen: Seen, writer: Writer) -> None:
        reached.set()
        await hello(seen, writer)

    async with serving(answering) as target:
        http = {
            "url": f"http://me:hush-1@127.0.0.1:{target.port}/?key=hush-2",
            "headers": {"Authorization": "Bearer hush-3"},
            "payloadStr": "hush-4",
            "numRequests": 200,
            "qps": 100,
        }
        release = await install(kube, api_server, namespace, {**VALUES, "http": http})
        async with started(release.command(), {**release.environ, "AUTOX_LOG_LEVEL": "debug"}) as process:
            await reached.wait()
            argv = " ".join(psutil.Process(process.pid).cmdline())
            done = await finished(process)
        sent = b"".join(target.requests)

    assert b"Bearer hush-3" in sent
    assert b"hush-2" in sent
    record = await kube.get(EXPERIMENTS, release.name, namespace=namespace)
    for place in (argv, done.out, done.err, json.dumps(record)):
        assert "hush" not in place
    assert (await release.result()).tasks[0].inputs["headers"] == {"Authorization": "***"}
