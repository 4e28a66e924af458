"""The figures of a load test, found once more: of API calls by a real Prometheus server, of pods by another watcher."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml

from autox.cluster.home import KeyFiles
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.density import DensityInputs
from autox.model.result import Subject
from autox.nodes.node.clients import open_clients
from autox.tasks.context import Findings
from autox.tasks.density.fleets.fleet import Fleet
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.loadtest import LoadTest
from tests.clusterobjects import Object
from tests.clusters import LocalCluster, wait_for
from tests.density.conftest import context_on
from tests.density.podwatcher import PodWatcher
from tests.density.recomputing import QUANTILES, recomputed
from tests.prometheusserver import Prometheus

pytestmark = [pytest.mark.root, pytest.mark.integration]

PODS, RATE = 60, 20.0
REJECTED = "density/requests-rejected"
PARTED = 5.0
"""Milliseconds by which two watchers may differ in how long pods took to start."""
AGREED = 1e-3
"""Of a latency: the part by which two computations of it may differ."""


class Recording(KubeClient):
    """A client that keeps what it read, and when."""

    def __init__(self, connection: Connection) -> None:
        """Nothing was read yet."""
        super().__init__(connection)
        self.readings: list[tuple[float, bytes]] = []

    async def read(self, path: str, *, params: Mapping[str, str] | None = None) -> bytes:
        """What the server answers."""
        answer = await super().read(path, params=params)
        if path == "/metrics":
            self.readings.append((time.time(), answer))
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A load test, and what Prometheus saw of it.

    Attributes:
        figures: its metrics by name; those without a value are not there.
        began: when it began to create pods, in seconds since 1970.
        prometheus: which scraped the API server meanwhile, and the two readings that the run made.
        startups: of each pod in milliseconds, ascending, as another watcher saw it.
    """

    figures: Mapping[str, float]
    began: float
    prometheus: Prometheus
    startups: Sequence[float]


@pytest.fixture(scope="module")
def seen(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One load test that everybody looks at."""
    directory = tmp_path_factory.mktemp("prometheus")
    (readings := directory / "readings").mkdir()
    with serving(readings) as address, Prometheus(directory, jobs(cluster, address)) as prometheus:
        scraped = 'timestamp(process_start_time_seconds{job="live"})'
        wait_for("a look at the API server", lambda: prometheus.query(scraped))
        labels = RunLabels.of(Subject(), token=uuid4().hex[:8])
        with watcher(cluster) as pods:
            findings, read = asyncio.run(load(cluster, labels))
            startups = pods.startups(labels.namespace)
        ended = time.time()
        (began, before), (_, after) = read[0], read[-1]
        (readings / "before.txt").write_bytes(before)
        (readings / "after.txt").write_bytes(after)
        every = f'process_start_time_seconds{{job=~"before|after"}} or {scraped} > {ended:.3f}'
        wait_for("the readings, and a later look", lambda: len(prometheus.query(every)) == 3)
        figures = {each.name: each.value for each in findings.metrics if each.value is not None}
        yield Run(figures=figures, began=began, prometheus=prometheus, startups=startups)


async def load(cluster: LocalCluster, labels: RunLabels) -> tuple[Findings, list[tuple[float, bytes]]]:
    """Load it; what was found, and what was read of the API server's metrics."""
    inputs = DensityInputs(nodes=10, pods=PODS, pods_per_deployment=1, rate=RATE, timeout=60.0)
    async with AsyncExitStack() as stack:
        connection = from_kubeconfig(cluster.home.kubeconfig)
        clients = await open_clients(connection, stack)
        recording = await stack.enter_async_context(Recording(connection))
        fleet = Fleet(clients, labels, kubeconfig=cluster.home.kubeconfig, count=inputs.nodes)
        findings = await LoadTest(recording, labels, fleet, inputs, context_on(None, [])).to_its_end()
    return findings, recording.readings


def server_of(cluster: LocalCluster) -> str:
    """The address of its API server."""
    return str(yaml.safe_load(cluster.home.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def watcher(cluster: LocalCluster) -> PodWatcher:
    """Another watcher of its pods, which has not begun."""
    keys = KeyFiles(cluster.home.pki)
    return PodWatcher(
        server_of(cluster), ca=keys.certificate("ca"), certificate=keys.certificate("admin"), key=keys.key("admin")
    )


def jobs(cluster: LocalCluster, readings: str) -> list[Object]:
    """What Prometheus scrapes: the API server each second, and the two readings of the run once they are there."""
    keys = KeyFiles(cluster.home.pki)
    tls = {"ca_file": keys.certificate("ca"), "cert_file": keys.certificate("admin"), "key_file": keys.key("admin")}
    live = {
        "job_name": "live",
        "scheme": "https",
        "tls_config": {name: str(path) for name, path in tls.items()},
        "static_configs": [{"targets": [urlsplit(server_of(cluster)).netloc]}],
    }
    return [live, *(_reading(name, readings) for name in ("before", "after"))]


def _reading(name: str, address: str) -> Object:
    return {"job_name": name, "metrics_path": f"/{name}.txt", "static_configs": [{"targets": [address]}]}


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    """Serve the files of a directory; the address."""
    handler = partial(Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_latencies_of_calls_are_those_that_prometheus_finds(seen: Run) -> None:
    """Every percentile and every count of calls, of the same two readings, to a thousandth; and no other ones."""
    prefixes = tuple(f"density/{name}" for name in ("api-call-latency-", "api-request-duration-", "slow-calls/"))
    ours = {
        name: value
        for name, value in seen.figures.items()
        if name.startswith((*prefixes, REJECTED)) and "/windows-" not in name
    }

    theirs = recomputed(seen.prometheus)

    assert len(ours) > 60
    assert ours == pytest.approx(theirs, rel=AGREED)


@pytest.mark.parametrize("call", ["POST/deployments", "POST/pods/binding"])
def test_so_are_those_that_it_scraped_itself(seen: Run, call: str) -> None:
    """Of calls that the run alone makes, and only between its readings, the count and the percentiles are the same."""
    verb, resource, *rest = call.split("/")
    labels = f'job="live",verb="{verb}",resource="{resource}",subresource="{"".join(rest)}"'
    series = f"sum by (le) (apiserver_request_sli_duration_seconds_bucket{{{labels}}}"
    scraped = f"{series}) - ({series} @ {seen.began:.3f}) or 0 * {series}))"

    for name, share in QUANTILES.items():
        [value] = seen.prometheus.query(f"1000 * histogram_quantile({share}, {scraped})").values()
        assert seen.figures[f"density/api-call-latency-{name}/{call}"] == pytest.approx(value, rel=AGREED)


@pytest.mark.parametrize("percent", [50, 99])
def test_pods_started_as_fast_as_another_watcher_saw_them(seen: Run, percent: int) -> None:
    """The percentiles of their startup (nearest rank) are those of a watcher apart, to five milliseconds.

    Where the machine is so busy that the run's own watcher says it was later than that, to as much.
    """
    rank = -(-percent * PODS // 100)
    parted = max(PARTED, seen.figures["density/watcher-lag-max"])

    assert len(seen.startups) == PODS
    assert seen.figures[f"density/pod-startup-latency-p{percent}"] == pytest.approx(seen.startups[rank - 1], abs=parted)
