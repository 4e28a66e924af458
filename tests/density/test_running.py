"""Task ``density`` on a real control plane."""

import asyncio
import os
import re
import signal
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import yaml

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.clientgroups import ClientGroup, Consistency, Scope, Verb
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError, ForbiddenError, UnreachableError
from autox.model.profiling import ProfileKind, ProfileMoment, Profiling
from autox.model.refs import CONFIG_MAPS, ENDPOINT_SLICES, NAMESPACES, SECRETS, SERVICES
from autox.model.result import Subject
from autox.model.workload import Churn, ObjectGroup, ObjectKind, Parallel, Poisson, Step, WorkloadPlan
from autox.tasks.context import Findings
from autox.tasks.density.course.components import AGENTS, API_SERVER, CONTROLLER_MANAGER, METERS, SCHEDULER
from autox.tasks.density.dryrun import forecast
from autox.tasks.density.permission import refuse_forbidden
from autox.tasks.density.target import refuse_self
from autox.tasks.density.task import run
from tests.clusters import LocalCluster, wait_for
from tests.density.conftest import begun, context_on, granted, left_behind
from tests.kube.apiserver import free_port
from tests.kube.door import write

pytestmark = pytest.mark.integration

_LISTS = ClientGroup(name="stale-lists", verb=Verb.LIST, resource="services", consistency=Consistency.CACHE, rate=10.0)
_GETS = ClientGroup(name="gets", verb=Verb.GET, resource="secrets", clients=2, rate=10.0, objects=10, size=100)
CLIENTS = (
    _LISTS,
    replace(_LISTS, name="pages", resource="secrets", consistency=Consistency.QUORUM, limit=3, rate=5.0),
    replace(_LISTS, name="all", resource="leases", scope=Scope.CLUSTER, label_selector="no=thing", own_account=True),
    _GETS,
    replace(_GETS, name="patches", verb=Verb.PATCH, resource="configmaps", clients=1),
    ClientGroup(name="watches", verb=Verb.WATCH, resource="pods", clients=3, own_account=True),
)
THEIRS = {
    "stale-lists": ("LIST/services/namespace", 10),
    "pages": ("LIST/secrets/namespace", 10),
    "all": ("LIST/leases/cluster", 10),
    "gets": ("GET/secrets/resource", 0),
    "patches": ("PATCH/configmaps/resource", 60),
}
"""What the API server counts their calls as, and at most how many of others (the namespace's end, the prober)."""


async def counted(kube: KubeClient) -> Counter[str]:
    """How many calls the API server has counted, by verb, resource and scope."""
    found = Counter[str]()
    for line in (await kube.read("/metrics")).decode().splitlines():
        if line.startswith("apiserver_request_total{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            key = f"{labels['verb']}/{labels['resource']}/{labels['scope']}"
            found[key] += round(float(line.rpartition(" ")[2]))
    return found


async def test_a_control_plane_is_loaded_and_left_as_it_was(
    cluster: LocalCluster, own: KubeClient, said: list[str]
) -> None:
    """50 pods on 10 virtual nodes: all figures that such a run can have, and afterwards nothing is left.

    Clients of every verb go beside them, and the API server has counted as many calls of theirs as we have. Those with
    a service account are a flow to it, as an administrator's are not.
    """
    inputs = DensityInputs(
        cluster=cluster.name,
        pods=50,
        rate=50.0,
        latency_pods=5,
        clients=CLIENTS,
        profiles=Profiling(at=(ProfileMoment.LOAD, ProfileMoment.END), cpu=1),
        timeout=60.0,
        allow_self=True,
    )
    before = await counted(own)

    findings = await run(inputs, context_on(own, said, environ=cluster.environ))

    after = await counted(own)
    metrics = {each.name: each for each in findings.metrics}
    for client, (key, others) in THEIRS.items():
        sent = int(metrics[f"density/client-requests/{client}"].help.split(", in ")[1].split()[0].replace(",", ""))
        assert sent <= after[key] - before[key] <= sent + others, client
        assert metrics[f"density/client-errors/{client}"].value == 0, client
    found = {each.name: each.value for each in findings.metrics}
    assert (found["density/client-events/watches"] or 0) >= 3 * 55
    assert (found["density/client-latency-p50/stale-lists"] or 0) > 0
    assert (found["density/client-bytes/stale-lists"] or 0) > 0
    assert findings.message.startswith("50 pods ran on 10 virtual nodes")
    assert ", startup P99 " in findings.message
    assert (found["density/pods-running"], found["density/pods-created"], found["density/pods-failed"]) == (50, 50, 0)
    assert [(slo.metric, slo.limit) for slo in findings.demands] == [
        ("density/pods-as-asked", 50),
        ("density/objects-as-asked", 5),
        ("density/clients-as-asked", 9),
    ]
    assert found["density/pod-startup-latency"] == 50
    p50, p99 = found["density/pod-startup-latency-p50"], found["density/pod-startup-latency-p99"]
    assert p50 is not None
    assert p99 is not None
    assert 0 < p50 <= p99 < 60_000
    assert 0 < (found["density/pod-startup-latency-p99/steady"] or 0) < 60_000
    calls = ("api-call-latency-p99", "api-call-latency-p99/POST/pods/binding", "api-request-duration-p99/POST/pods")
    classes = [
        f"api-call-latency-p99/{each}" for each in ("mutating", "read-resource", "read-namespace", "read-cluster")
    ]
    rates = ("arrival-rate", "scheduling-throughput", "scheduling-throughput-min", "scheduling-throughput-max")
    for name in ("pods-as-asked", *rates, *calls, *classes):
        assert (found[f"density/{name}"] or 0) > 0, name
    assert 0 <= (found["density/watch-latency-max"] or 0) < 10_000
    assert found["density/watch-latency-p50"] is not None
    # NB: on a machine with more to do than it can, a look may go unanswered for a second.
    assert 0 < (found["density/api-availability"] or 0) <= 1
    assert found["density/slow-calls/read-resource"] is not None
    assert not any("/metrics" in name or "WATCH" in name for name in found)
    [exempt] = [note.text for note in findings.notes if "system:masters" in note.text]
    assert exempt.startswith("all but clients with service accounts ran as autox-admin")
    assert exempt.endswith("and no client of theirs is ever turned away")
    [flows] = [note.text for note in findings.notes if "a flow of its own" in note.text]
    assert "all as autox-density-client-all, watches as autox-density-client-watches" in flows
    wait_for("what lets accounts do something goes with the namespace", lambda: not granted(cluster))
    assert any("mode cheap" in note.text for note in findings.notes)
    assert_the_course_is_known(findings)
    assert_profiles_make_sense(findings)
    assert said.index("50 of 50 pods running") < said.index("creating 5 latency pods, 5 a second")
    assert left_behind(cluster) == []


def assert_profiles_make_sense(findings: Findings) -> None:
    """Of every component at each moment; etcd serves none, which is said with what to do about it."""
    taken = {(each.component, each.kind, each.moment) for each in findings.profiles}
    components = {API_SERVER, CONTROLLER_MANAGER, SCHEDULER}
    assert taken == {*product(components, ProfileKind, ProfileMoment)}
    for each in findings.profiles:
        is_idle = each.component != API_SERVER and each.kind is ProfileKind.CPU
        assert each.total > 0 or is_idle, each
        assert each.total < 1024, each
        assert all(0 <= row.flat <= row.cumulative <= each.total * 1.001 for row in each.rows), each
        assert sum(row.flat for row in each.rows) <= each.total * 1.001
        assert not each.rows or any("." in row.function for row in each.rows), each
    [none] = [note.text for note in findings.notes if "no profile" in note.text]
    assert none.startswith("no profile of etcd (cpu at load, heap at load, cpu at end, heap at end): it serves none")
    assert "--set etcd.flags.enable-pprof=true" in none


def assert_the_course_is_known(findings: Findings) -> None:
    """Of a local cluster every component is read, whose figures were nowhere; no window fits into seconds."""
    found = {each.name: each for each in findings.metrics}
    known = (
        *(f"{name}-max/{each}" for name in ("cpu", "memory") for each in METERS if each != AGENTS),
        *("goroutines-max/etcd", "inflight-requests-max/read-only", "apf-executing-seats-max", "event-loop-lag-max"),
        *("workqueue-wait-p99", "scheduling-attempt-p99", "etcd-fsync-p99", "etcd-backend-commit-p99"),
        *("etcd-db-size-max", "cpu-mean/apiserver"),
    )
    assert [name for name in known if not (found[f"density/{name}"].value or 0) > 0] == []
    assert found["density/workqueue-depth-max"].value is not None
    assert found["density/scheduler-pending-pods-max"].value is not None
    assert "less than a window of 1 minute" in found["density/api-call-latency-p99/mutating/windows-1m"].why
    series = {each.name.removeprefix("density/"): each for each in findings.series}
    assert {meter.name for each, meters in METERS.items() if each != AGENTS for meter in meters} <= series.keys()
    assert series["pods-running"].values[-1] == 55
    assert max(value or 0 for value in series["request-rate/2xx"].values) > 10
    assert min(value or 0 for each in series.values() for value in each.values) >= 0


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (0, "stale-lists may not list services"),
        (2, "all may not list leases"),
        (4, "patches may not patch configmaps"),
        (5, "watches may not watch pods"),
    ],
)
async def test_clients_that_may_not_are_refused(cluster: LocalCluster, tmp_path: Path, client: int, said: str) -> None:
    """A load of refusals is soon answered and is no load: told before anything is made, where it ran to its end."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": "somebody", "as-groups": ["system:authenticated"]}
    (tmp_path / "somebody").write_text(yaml.safe_dump(config))

    async with KubeClient(from_kubeconfig(tmp_path / "somebody")) as somebody:
        with pytest.raises(ForbiddenError) as refused:
            await refuse_forbidden(somebody, CLIENTS[client : client + 1])

    assert refused.value.message.endswith(f"clients {said}")


async def test_our_own_cluster_is_refused(cluster: LocalCluster, own: KubeClient, said: list[str]) -> None:
    """A kubeconfig that leads back to where autox runs is an error before anything is made."""
    inputs = DensityInputs(cluster=cluster.name)

    with pytest.raises(ConfigurationError, match="the cluster that autox itself runs on"):
        await run(inputs, context_on(own, said, environ=cluster.environ))

    assert said == []


async def test_our_own_cluster_is_known_without_permissions(
    cluster: LocalCluster, own: KubeClient, kube: KubeClient, tmp_path: Path
) -> None:
    """An experiment's service account may not read kube-system; its cluster's public keys tell as well."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    user = config["users"][0]["user"]
    user |= {"as": "system:serviceaccount:default:x", "as-groups": ["system:serviceaccounts", "system:authenticated"]}
    (tmp_path / "account").write_text(yaml.safe_dump(config))
    user |= {"as": "nobody", "as-groups": ["nobodies"]}
    (tmp_path / "nobody").write_text(yaml.safe_dump(config))

    async with KubeClient(from_kubeconfig(tmp_path / "account")) as account:
        with pytest.raises(ConfigurationError, match="itself runs on"):
            await refuse_self(own, account)
        await refuse_self(kube, account)
    async with KubeClient(from_kubeconfig(tmp_path / "nobody")) as nobody:
        with pytest.raises(ConfigurationError, match="cannot tell whether"):
            await refuse_self(own, nobody)


@pytest.mark.parametrize(
    ("inputs", "said_about"),
    [
        pytest.param(DensityInputs(), "kubeconfig or a local cluster", id="no cluster"),
        pytest.param(DensityInputs(cluster="a", kubeconfig=Path("k")), "and not both", id="two clusters"),
        pytest.param(DensityInputs(cluster="nowhere"), "there is no local cluster nowhere", id="unknown cluster"),
        pytest.param(DensityInputs(cluster="../etc"), "etc", id="a name that is none"),
        pytest.param(DensityInputs(kubeconfig=Path("/nowhere/k")), "/nowhere/k", id="no such file"),
        pytest.param(DensityInputs(cluster="a", nodes=0), "nodes is 0", id="no nodes"),
        pytest.param(DensityInputs(cluster="a", nodes=10_001), "share them out with agents: 2", id="too many nodes"),
        pytest.param(DensityInputs(cluster="a", pods=150_001), "1 to 150,000", id="too many pods"),
        pytest.param(
            DensityInputs(cluster="a", nodes=1, pods=111),
            "1 virtual nodes have room for 110 pods, and 111",
            id="no room",
        ),
        pytest.param(
            DensityInputs(cluster="a", nodes=2, pods=220, latency_pods=1, timeout=600.0),
            "2 virtual nodes have room for 220 pods, and 221",
            id="no room for latency pods",
        ),
        pytest.param(DensityInputs(cluster="a", pods_per_deployment=0), "Deployment", id="empty Deployments"),
        pytest.param(DensityInputs(cluster="a", latency_pods=-1), "0 to 5,000", id="less than no latency pods"),
        pytest.param(DensityInputs(cluster="a", latency_pods=5001), "0 to 5,000", id="too many latency pods"),
        pytest.param(
            DensityInputs(cluster="a", pods=20, latency_pods=50, timeout=10.0),
            "20 pods at 20 a second and 50 latency pods are due after 10.5 s",
            id="latency pods are never all due",
        ),
        pytest.param(DensityInputs(cluster="a", rate=0.0), "rate", id="no rate"),
        pytest.param(DensityInputs(cluster="a", rate=float("nan")), "rate", id="rate is NaN"),
        pytest.param(DensityInputs(cluster="a", timeout=float("inf")), "timeout", id="endless"),
        pytest.param(
            DensityInputs(cluster="a", pods=30, rate=1.0, timeout=5.0), "are due after 20 s", id="never all due"
        ),
    ],
)
async def test_what_makes_no_sense_is_an_error(inputs: DensityInputs, said_about: str, tmp_path: Path) -> None:
    """The message names what is wrong, and no cluster has been touched."""
    with pytest.raises(ConfigurationError) as failed:
        await run(inputs, context_on(None, [], environ={"XDG_STATE_HOME": str(tmp_path)}))

    assert said_about in failed.value.message


async def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path) -> None:
    """Garbage in the file is the file's fault, by name."""
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\x00\xff{{{")

    with pytest.raises(ConfigurationError, match="garbage"):
        await run(DensityInputs(kubeconfig=garbage), context_on(None, []))


@pytest.mark.parametrize("allowed", [False, True])
async def test_the_kubeconfig_runs_no_program_unless_allowed(tmp_path: Path, *, allowed: bool) -> None:
    """What stands in a Secret could run any program in the runner; now only where allowExec says so."""
    ran = tmp_path / "ran"
    recipe = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/usr/bin/touch", "args": [str(ran)]}
    path = write(tmp_path / "b", server=f"https://127.0.0.1:{free_port()}", user={"exec": recipe})

    with pytest.raises(ConfigurationError) as failed:
        await run(DensityInputs(kubeconfig=path, allow_exec=allowed), context_on(None, []))
    assert ("allowExec: true" in failed.value.hint) is not allowed
    assert ran.exists() is allowed


@pytest.mark.parametrize("allowed", [False, True])
async def test_the_kubeconfig_reads_no_files_of_a_runner(tmp_path: Path, *, allowed: bool) -> None:
    """One from a Secret could have the runner's own token sent anywhere; one's own, in a local run, may name files."""
    path = write(tmp_path / "b", server=f"https://127.0.0.1:{free_port()}", user={"tokenFile": str(tmp_path / "gone")})
    inputs = DensityInputs(kubeconfig=path, allow_exec=allowed)
    local = context_on(None, [])

    with pytest.raises(ConfigurationError) as failed:
        await run(inputs, replace(local, subject=Subject(namespace="a", experiment="b")))
    with pytest.raises(ConfigurationError, match="cannot read the token file"):
        await run(inputs, local)
    assert ("would read files" in failed.value.message) is not allowed


async def test_an_api_server_that_is_not_there(cluster: LocalCluster, tmp_path: Path) -> None:
    """The failure says which server could not be reached."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))

    with pytest.raises(UnreachableError, match=r"cannot reach https://127\.0\.0\.1"):
        await run(DensityInputs(kubeconfig=tmp_path / "kubeconfig"), context_on(None, []))


async def test_quotas_are_named_and_nothing_stays(cluster: LocalCluster) -> None:
    """What a cluster refuses is told in its own words.

    A refused Deployment ends the run. Refused pods leave it incomplete: they count as infinitely late, so that no
    percentile is too good. Both runs clean up all the same, side by side, and each says that it was not alone: of two
    with kubeconfigs of their own nobody knew that they loaded one cluster.
    """
    inputs = DensityInputs(
        kubeconfig=cluster.home.kubeconfig, nodes=1, pods=60, pods_per_deployment=1, rate=8.0, timeout=8.0
    )
    refused_said, incomplete_said = list[str](), list[str]()
    refused = asyncio.create_task(run(inputs, context_on(None, refused_said)))
    incomplete = asyncio.create_task(run(inputs, context_on(None, incomplete_said)))
    place, other = await begun(refused, refused_said), await begun(incomplete, incomplete_said)
    cluster.kubectl("-n", place, "create", "quota", "few", "--hard=count/deployments.apps=1")
    cluster.kubectl("-n", other, "create", "quota", "few", "--hard=pods=3")

    findings = await incomplete
    with pytest.raises(ForbiddenError, match="exceeded quota"):
        await refused

    found = {each.name: each.value for each in findings.metrics}
    assert findings.message.startswith("only ")
    assert (found["density/pods-running"] or 0) < 60
    assert found["density/pod-startup-latency-p99"] is None
    assert next(each for each in findings.metrics if each.name == "density/pod-startup-latency-p99").infinite
    assert (found["density/pods-as-asked"] or 0) < 60
    assert any(
        "of 60 pods were never created: " in note.text and "exceeded quota" in note.text for note in findings.notes
    )
    beside = f"another load test ({place}) was on this cluster at the same time: the figures are of both loads"
    assert beside in [note.text for note in findings.notes]
    assert "only that of a local cluster can be read" in next(
        each.why for each in findings.metrics if each.name == "density/etcd-fsync-p99"
    )
    assert left_behind(cluster) == []


async def test_an_api_server_that_dies_meanwhile(cluster: LocalCluster, said: list[str]) -> None:
    """The run tells what it measured until then; once the server is back, everything is removed."""
    inputs = DensityInputs(kubeconfig=cluster.home.kubeconfig, nodes=2, pods=60, rate=10.0, timeout=6.0)
    running = asyncio.create_task(run(inputs, context_on(None, said)))
    await begun(running, said)
    await asyncio.sleep(2.0)

    os.kill(cluster.pids()["apiServer"], signal.SIGKILL)
    try:
        while "cleaning up" not in said:
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(cluster.up)
    findings = await running

    found = {each.name: each.value for each in findings.metrics}
    assert 0 < (found["density/pods-running"] or 0) < 60
    assert found["density/pod-startup-latency-p99"] is None
    assert found["density/api-call-latency-p99"] is None
    assert 0.2 < (found["density/api-availability"] or 0) < 0.8
    assert any("no API call latency: GET /metrics: cannot reach" in note.text for note in findings.notes)
    assert any("had to be repeated" in note.text for note in findings.notes)
    assert left_behind(cluster) == []


def call_counts(findings: Findings) -> dict[str, int]:
    """How many calls there were, by verb and resource."""
    told = {each.name.partition("api-call-latency-p50/")[2]: each.help for each in findings.metrics}
    return {name: int(text.split()[0]) for name, text in told.items() if "calls, by" in text}


async def test_a_plan_with_every_kind(cluster: LocalCluster, own: KubeClient, said: list[str]) -> None:
    """Deployments, StatefulSets, Jobs, DaemonSets, Services with endpoints, ConfigMaps and Secrets, in two namespaces.

    Each comes as it was asked for, Jobs run out, a Service finds its pods, and nothing is left in either namespace.
    What churn deletes in the end counts against none of that, and what comes in its place has figures of its own.
    """
    kinds = {ObjectKind.DEPLOYMENT: 2, ObjectKind.STATEFUL_SET: 2, ObjectKind.JOB: 2, ObjectKind.DAEMON_SET: 1}
    step = Step(
        name="all",
        objects=(
            *(ObjectGroup(kind=kind, count=count, replicas=2) for kind, count in kinds.items()),
            ObjectGroup(kind=ObjectKind.SERVICE, count=2, labels={"number": "n-{index}"}),
        ),
        rate=Parallel(requests=3),
        pause=0.5,
    )
    data = Step(
        name="data",
        objects=(
            ObjectGroup(kind=ObjectKind.CONFIG_MAP, count=3, size=5_001),
            ObjectGroup(kind=ObjectKind.SECRET, count=3, template={"type": "example.com/{namespace}"}),
        ),
        rate=Poisson(qps=20.0, seed=1),
    )
    plan = WorkloadPlan(steps=(step, data), namespaces=2)
    inputs = DensityInputs(
        kubeconfig=cluster.home.kubeconfig,
        nodes=3,
        plan=plan,
        latency_pods=10,
        churn=Churn(share=0.5, cycles=2),
        timeout=90.0,
        allow_self=True,
    )
    looked: dict[str, list[Object]] = {}

    async def look() -> None:
        # NB: the latency pods keep the run from its end meanwhile.
        while not any("latency pods" in line for line in said):
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
        place = next(line.rpartition(" ")[2] for line in said if "in namespace" in line)
        marked = f"autox.dev/density-namespace={place}"
        for resource in (SERVICES, SECRETS, CONFIG_MAPS, NAMESPACES):
            looked[resource.kind] = (await own.list(resource, label_selector=marked)).items
        for name in (place, f"{place}-also-1"):
            looked.setdefault("EndpointSlice", []).extend((await own.list(ENDPOINT_SLICES, namespace=name)).items)

    found: dict[str, float | None] = {}
    calls: dict[str, int] = {}
    for _ in range(2):
        said.clear()
        looked.clear()
        running = asyncio.create_task(run(inputs, context_on(own, said)))
        await look()
        findings = await running
        found = {each.name: each.value for each in findings.metrics}
        calls = call_counts(findings)
        # NB: on a busy machine pods come more than 5 s late, or the run ends before the pods of Jobs are let go of.
        if found["density/pods-as-asked"] == found["density/pods-created"] and "PATCH/pods" in calls:
            break

    assert found["density/pods-as-asked"] == found["density/pods-created"] == 2 * 2 * 3 + 3
    assert found["density/objects-as-asked"] == 7 + 2 + 6
    assert [(slo.metric, slo.limit) for slo in findings.demands] == [
        ("density/pods-as-asked", 15),
        ("density/objects-as-asked", 15),
        ("density/churned-pods", 4),
    ]
    assert (found["density/churned-pods"], found["density/pods-failed"]) == (4, 0)
    assert 0 < (found["density/pod-startup-latency-p99/churn"] or 0) < 90_000
    assert len(looked["Namespace"]) == 2
    assert {each["metadata"]["labels"]["number"] for each in looked["Service"]} == {"n-0", "n-1"}
    assert len(looked["EndpointSlice"]) == 2
    assert {each["type"] for each in looked["Secret"]} == {
        f"example.com/{each['metadata']['name']}" for each in looked["Namespace"]
    }
    data_sizes = [len(each["data"]["value"]) for each in looked["ConfigMap"] if "value" in each["data"]]
    assert data_sizes == [5_001] * 3
    told = forecast(inputs)
    assert calls["POST/pods"] >= calls["POST/pods/binding"] >= told.writes.bindings == 15 + 10 + 4
    assert calls["PATCH/pods"] + calls["PATCH/pods/status"] >= told.writes.updates
    assert any(f"of digest {told.digest}" in note.text for note in findings.notes)
    assert left_behind(cluster) == []
