"""What is planted in pods and nodes shows on a real control plane: chances, crash loops and outages, by commands.

Nodes and workloads are made as users make them (``autox cluster up``, ``autox nodes run``, ``kubectl apply``), and what
is asserted is what ``kubectl get`` shows after the real scheduler and controllers had their say. What stages and
outages are in detail is proven in ``tests/mock``, with an API server at most.

The outage comes first, for the crash loop is recorded meanwhile; the many pods come last, so that they delay neither:
in another order, the crash loop is looked at once more.
"""

import asyncio
import json
import math
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model import refs
from autox.model.stages import Outage
from autox.nodes.mock.outages import outage_schedule
from tests.clusters import LIGHTLY, LocalCluster, run, wait_for
from tests.integration.objects import Object, deployment, pod
from tests.mock.test_running_nodes import agent
from tests.mock.test_serving_pods import bind_many, names

pytestmark = pytest.mark.integration

# What a controller manager does in a minute, in seconds; the agents renew leases accordingly.
QUICK = (
    "controllerManager.flags.node-monitor-period=1s",
    "controllerManager.flags.node-monitor-grace-period=6s",
)
LEASE_SECONDS = 8
NODES = 20  # of 110 pods each

PODS = 1000
CHANCE = Fraction(1, 10)

INITIAL, LIMIT = 2, 6  # of the crash-loop back-off, in seconds
RESTARTS = 5

FRAIL = "frail-0"
OUTAGE = Outage(name="once", interval=120.0, duration=20.0)
BEGINS = (10.0, 12.0)  # seconds after the node was made: its pods run by then

CONTAINER: Object = {"name": "main", "image": "anything"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A control plane with virtual nodes.

    Attributes:
        cluster: the control plane.
        identity: the kubeconfig of agents.
        seed: of the chances on its nodes.
        record: of the crashing pods, a line for each change: the name, and the status of the container.
    """

    cluster: LocalCluster
    identity: Path
    seed: int
    record: Path


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A bare control plane, an agent of virtual nodes, and a Deployment whose pod crashes again and again."""
    folder = tmp_path_factory.mktemp("planted")
    cluster = LocalCluster(name="planted", state=folder / "state")
    identity, seed = cluster.home.identity("virtual-nodes"), secrets.randbelow(2**63)
    back_off = {"initialSeconds": INITIAL, "limitSeconds": LIMIT}
    stages = written(folder / "stages.yaml", {"seed": seed, "crashLoopBackOff": back_off})
    try:
        cluster.up("--nodes", "0", *LIGHTLY, *(word for setting in QUICK for word in ("--set", setting)))
        with agent(identity, *flags(count=NODES, prefix="virtual-", stages=stages)):
            cluster.apply(planted(deployment("crashing", CONTAINER), {"crash-seconds": "1"}))
            with recorded(cluster, "app=crashing", folder / "record") as record:
                yield Fleet(cluster=cluster, identity=identity, seed=seed, record=record)
    finally:
        cluster.down()


def flags(*, count: int, prefix: str, stages: Path) -> list[str]:
    """Of ``autox nodes run``."""
    return [
        *("--count", str(count), "--name-prefix", prefix, "--stages", str(stages)),
        *("--node-lease-duration-seconds", str(LEASE_SECONDS)),
    ]


def written(path: Path, content: Object) -> Path:
    """A file of stages; JSON is YAML, too."""
    path.write_text(json.dumps(content))
    return path


def planted(workload: Object, annotations: dict[str, str]) -> Object:
    """A workload whose pods have annotations ``autox.dev/…``."""
    meta = workload["spec"]["template"].setdefault("metadata", {})
    meta["annotations"] = {f"autox.dev/{name}": value for name, value in annotations.items()}
    return workload


@contextmanager
def recorded(cluster: LocalCluster, selector: str, path: Path) -> Iterator[Path]:
    """``kubectl get pods --watch``: a line for each change of a pod, with its name and the status of its container."""
    output = 'jsonpath={.metadata.name} {.status.containerStatuses[0]}{"\\n"}'
    command = ("kubectl", "get", "pods", "-l", selector, "--watch", "-o", output)
    # NB: kubectl does not watch again when the API server ends its watch, as it does where thousands of pods come.
    again = ("sh", "-c", 'while :; do "$@"; done', "sh", *command)
    environ = cluster.with_programs()
    with path.open("w") as file, subprocess.Popen(again, env=environ, stdout=file, start_new_session=True) as watching:
        try:
            yield path
        finally:
            os.killpg(watching.pid, signal.SIGKILL)


def seed_of_outage() -> int:
    """A seed, drawn until the frail node's outage begins when it shall: seeds are what moves outages."""
    while True:
        seed = secrets.randbelow(2**63)
        if BEGINS[0] <= outage_schedule(FRAIL, [OUTAGE], seed=seed, origin=0.0, now=0.0).until <= BEGINS[1]:
            return seed


@pytest.fixture
def frail(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    """One more node, with an agent of its own, that falls silent for a while soon after it was made."""
    outage = {"name": OUTAGE.name, "intervalSeconds": OUTAGE.interval, "durationSeconds": OUTAGE.duration}
    stages = written(tmp_path / "stages.yaml", {"seed": seed_of_outage(), "outages": [outage]})
    with agent(fleet.identity, *flags(count=1, prefix="frail-", stages=stages)):
        wait_for("the frail node", lambda: FRAIL in fleet.cluster.kubectl("get", "nodes"))
        yield FRAIL
    # NB: else later pods could be bound to it until it is missed.
    remove = (sys.executable, "-m", "autox", "nodes", "remove", "--name-prefix", "frail-")
    assert run(*remove, environ=fleet.cluster.environ).out == "deleted 1 nodes\n"


def tolerating(seconds: int | None) -> list[Object]:
    """Tolerations of a node that is missed, for so long; None for as long as it takes."""
    limit = {} if seconds is None else {"tolerationSeconds": seconds}
    kinds = ("unreachable", "not-ready")
    return [
        {"key": f"node.kubernetes.io/{kind}", "effect": "NoExecute", "operator": "Exists", **limit} for kind in kinds
    ]


def preferring(node: str) -> Object:
    """An affinity to a node as long as pods can be there."""
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": term}]}}


def condition(found: Object, kind: str) -> str:
    """The status of a condition of an object."""
    return next((str(each["status"]) for each in found["status"].get("conditions", []) if each["type"] == kind), "")


def test_outage(fleet: Fleet, frail: str) -> None:
    """Pods of a silent node are evicted and replaced elsewhere; it comes back Ready, without those, with the others."""
    cluster = fleet.cluster

    def pods() -> dict[str, Object]:
        return {each["metadata"]["uid"]: each for each in cluster.get("pods", "-l", "app=moving")["items"]}

    def replacements() -> list[Object]:
        return [each for uid, each in pods().items() if uid not in first and condition(each, "Ready") == "True"]

    def evicted() -> set[str]:
        told = cluster.get("events", "--field-selector=reason=TaintManagerEviction")["items"]
        return {each["involvedObject"]["name"] for each in told}

    def node() -> Object:
        return cluster.get("node", frail)

    moving = deployment("moving", CONTAINER, replicas=2, affinity=preferring(frail), tolerations=tolerating(1))
    patient = pod("patient", CONTAINER, restartPolicy="Always", nodeName=frail, tolerations=tolerating(None))
    cluster.kubectl("wait", f"node/{frail}", "--for=condition=Ready", "--timeout=30s")
    # NB: it is Ready a moment before its taints go, and nothing is scheduled there until then.
    wait_for("a node without taints", lambda: not node()["spec"].get("taints"))
    cluster.apply(moving, patient)
    cluster.kubectl("wait", "pod/patient", "--for=condition=Ready", "--timeout=30s")
    cluster.kubectl("rollout", "status", "deployment/moving", "--timeout=30s")
    first = pods()
    assert {each["spec"]["nodeName"] for each in first.values()} == {frail}

    wait_for("the outage", lambda: condition(node(), "Ready") == "Unknown", seconds=BEGINS[1] + OUTAGE.duration)
    assert "NotReady" in cluster.kubectl("get", "node", frail)
    wait_for("the replacements", lambda: len(replacements()) == 2)
    missed, during = node(), pods()
    assert condition(missed, "Ready") == "Unknown"
    assert ("node.kubernetes.io/unreachable", "NoExecute") in taints(missed)
    assert {uid for uid, each in during.items() if "deletionTimestamp" in each["metadata"]} == set(first)
    assert frail not in {each["spec"]["nodeName"] for each in replacements()}
    assert condition(cluster.get("pod", "patient"), "Ready") == "False"
    wait_for("events of all evictions", lambda: evicted() == {each["metadata"]["name"] for each in first.values()})

    wait_for("the end of the outage", lambda: condition(node(), "Ready") == "True")
    wait_for("the end of the stale pods", lambda: not pods().keys() & first.keys())
    wait_for("the end of the taints", lambda: not taints(node()))
    wait_for("news of the pod that stayed", lambda: condition(cluster.get("pod", "patient"), "Ready") == "True")
    assert cluster.get("pod", "patient")["status"]["containerStatuses"][0]["restartCount"] == 0
    assert len(pods()) == 2


def taints(node: Object) -> set[tuple[str, str]]:
    """Those of a node, by key and effect."""
    return {(each["key"], each["effect"]) for each in node["spec"].get("taints", [])}


def test_crash_loop(fleet: Fleet) -> None:
    """A pod that crashes is in CrashLoopBackOff, and waits twice as long for each start as before, up to the limit.

    Times have whole seconds, so that a pause is longer by a second or so than the back-off; it is never shorter.
    """
    cluster = fleet.cluster
    [first] = cluster.get("pods", "-l", "app=crashing")["items"]
    wait_for("CrashLoopBackOff", lambda: "CrashLoopBackOff" in cluster.kubectl("get", "pods", "-l", "app=crashing"))
    pauses = pauses_of(fleet, first["metadata"]["name"])
    if pauses != sorted(pauses):
        # The many pods were there first, and delayed it. They have ended: nothing delays the next one.
        cluster.kubectl("delete", "pod", first["metadata"]["name"])
        [second] = cluster.get("pods", "-l", "app=crashing")["items"]
        pauses = pauses_of(fleet, second["metadata"]["name"])

    assert pauses[1] < pauses[2] < pauses[3], pauses
    assert pauses[-1] < INITIAL * 2 ** (RESTARTS - 2), pauses


def pauses_of(fleet: Fleet, pod: str) -> list[float]:
    """Seconds between each of its crashes and the next start: as many as are looked at, none shorter than it may be."""

    def starts() -> list[Object]:
        """The container's status as it was seen running first, once for each restart count."""
        seen: dict[int, Object] = {}
        complete, _, _ = fleet.record.read_text().rpartition("\n")
        for line in complete.splitlines():
            name, _, told = line.partition(" ")
            if name == pod and told and "running" in (status := json.loads(told))["state"]:
                seen.setdefault(status["restartCount"], status)
        return list(seen.values())

    found = wait_for("restarts", lambda: starts() if len(starts()) > RESTARTS else None, seconds=180)[: RESTARTS + 1]
    assert [each["restartCount"] for each in found] == list(range(RESTARTS + 1))
    assert {each["lastState"]["terminated"]["exitCode"] for each in found[1:]} == {1}
    pauses = [
        seconds(each["state"]["running"]["startedAt"]) - seconds(each["lastState"]["terminated"]["finishedAt"])
        for each in found[1:]
    ]
    # NB: as with a kubelet, the first start after a crash does not wait.
    back_offs = [0, *(min(INITIAL * 2**doubled, LIMIT) for doubled in range(RESTARTS - 1))]
    assert all(pause >= least for pause, least in zip(pauses, back_offs, strict=True)), (pauses, back_offs)
    return pauses


def seconds(instant: str) -> float:
    """Since 1970."""
    return datetime.fromisoformat(instant).timestamp()


def likely(trials: int, chance: Fraction, *, doubt: Fraction) -> range:
    """The counts around the mean outside of which a binomial count is with a probability of at most ``doubt``.

    Computed exactly, in whole numbers: weights are probabilities times ``chance.denominator ** trials``.
    """
    hits, misses = chance.numerator, chance.denominator - chance.numerator
    outside = total = chance.denominator**trials
    mean = round(trials * chance)
    for width in range(trials):
        for count in {mean - width, mean + width}:
            outside -= math.comb(trials, count) * hits**count * misses ** (trials - count)
        if outside <= doubt * total:
            return range(mean - width, mean + width + 1)
    raise AssertionError("no doubt is too small")


async def ended(kube: KubeClient, selector: str, *, seconds: float) -> None:
    """Wait until all of these pods have ended; looks that list two thousand pods would take the processor from them."""
    unfinished = "status.phase!=Succeeded,status.phase!=Failed"
    for _ in range(round(seconds)):
        found = await kube.list_metadata(
            refs.PODS, namespace="default", label_selector=selector, field_selector=unfinished
        )
        if not found.items:
            return
        await asyncio.sleep(1)
    raise AssertionError(f"waited {seconds:.0f} s in vain for the end of {len(found.items)} pods")


async def test_failure_probability(fleet: Fleet) -> None:
    """Of 1,000 pods with a failure probability of 10 % as many fail as chance allows, and all others succeed.

    A right count is between 53 and 147 (five standard deviations around 100) but for one run in a million. They are a
    fresh draw in each run, which the same seed repeats.
    """
    cluster, what = fleet.cluster, ("get", "pods", "-l", "app=draws")
    meta = {"labels": {"app": "draws"}, "annotations": {"autox.dev/failure-probability": str(float(CHANCE))}}
    nodes = [f"virtual-{number}" for number in range(NODES)]
    # NB: made by this process, and bound already: kubectl and the scheduler would take longer than all the rest.
    async with KubeClient(from_kubeconfig(cluster.home.kubeconfig)) as kube:
        await bind_many(kube, "default", names(PODS, "draw-"), nodes, meta=meta, restartPolicy="Never")
        await ended(kube, "app=draws", seconds=120)
    words = Counter(line.split()[2] for line in cluster.kubectl(*what, "--no-headers").splitlines())

    assert words.total() == words["Error"] + words["Completed"] == PODS
    assert words["Error"] in likely(PODS, CHANCE, doubt=Fraction(1, 10**6)), f"with seed {fleet.seed}"
