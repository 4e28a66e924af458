"""A run that is killed at any moment: what it made goes with the next start or a sweep, and nothing else does.

The moments are spread over the whole of a run, from before there is a namespace until it is cleaned up: five of each of
its parts, which its lines of progress begin, each by chance within a fifth of the part.
"""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import inf
from pathlib import Path

import pytest

from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.tasks.density.cleanup import heartbeat, sweeping
from autox.tasks.density.labels import NAMESPACE_LABEL, RUN_LABEL, run_label
from autox.tasks.density.task import run as load
from tests.clusterobjects import Object
from tests.clusters import LocalCluster, wait_for
from tests.density.conftest import context_on, granted, left_behind
from tests.forking import AUTOX, Forked, fork

pytestmark = pytest.mark.integration

PARTS = {"": 0.8, "loading": 1.5, "creating": 2.0, "cleaning up": 6.0}
"""What begins each part, and about how many seconds it takes."""
EACH, TOGETHER = 5, 10
LONGEST = 120.0  # seconds that anything may take
LOOK = 0.02
DOCUMENT = """
tasks:
  - task: density
    with:
      {cluster: %s, allowSelf: true, nodes: 2, pods: 4, podsPerDeployment: 2, rate: 4, timeout: 60s, clients: [{
        name: looks, verb: list, resource: nodes, rate: 1, as: serviceAccount}]}
"""
COPIED = {RUN_LABEL: run_label("default", "killed"), NAMESPACE_LABEL: "autox-density-0badcafe"}
OTHERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("namespaces", "autox-density-team", {}),
    ("namespaces", "autox-density-00000000", {}),
    ("namespaces", "autox-density-1badcafe", COPIED),
    ("namespaces", "copied", COPIED),
    ("namespaces", "labelled", {RUN_LABEL: "else"}),
    ("nodes", "autox-density-0badcafe-0", {}),
    ("nodes", "autox-density-0badcafe-spare", COPIED),
    ("nodes", "copied", COPIED),
    ("configmaps", "copied", COPIED),
)
"""What is no run's and looks as if it were: by its name, by one of its labels, by a copy of them all."""
KINDS = {"namespaces": "Namespace", "nodes": "Node", "configmaps": "ConfigMap"}


async def test_killed_at_any_moment(
    cluster: LocalCluster, own: KubeClient, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep removes what was left, and so does the next start; look-alikes are as they were.

    A namespace that had a run's labels by mistake was deleted with all that was in it.
    """
    # NB: for this process who was killed is dead soon; it would have to wait for half a minute each time.
    monkeypatch.setattr(heartbeat, "DURATION", 1)
    seed = random.SystemRandom().randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")  # which pytest shows when this fails
    chance = random.Random(seed)  # noqa: S311  - no secret
    moments = [
        (begin, (index + chance.random()) / EACH * seconds) for begin, seconds in PARTS.items() for index in range(EACH)
    ]
    chance.shuffle(moments)
    document = tmp_path / "experiment.yaml"
    document.write_text(DOCUMENT % cluster.name)
    inputs = DensityInputs(kubeconfig=cluster.home.kubeconfig, nodes=1, pods=1, timeout=60.0, allow_self=True)

    with others(cluster) as kept:
        kill(cluster, document, moments[:TOGETHER])
        assert await sweeping.sweep(own, None, seconds=LONGEST)
        kill(cluster, document, moments[TOGETHER:])
        await load(inputs, context_on(own, said))
        await sweeping.sweep(own, None, seconds=LONGEST)

        assert any("of runs that died" in line for line in said)
        assert left_behind(cluster) == kept
        wait_for("roles of service accounts to be collected", lambda: not granted(cluster))


def kill(cluster: LocalCluster, document: Path, moments: Sequence[tuple[str, float]]) -> None:
    """Start a run for each moment, all at once, and kill each when it has come."""
    with ExitStack() as stack:
        waiting = {moment: start(cluster, document, "killed-{}-{:.4f}".format(*moment), stack) for moment in moments}
        began: dict[tuple[str, float], float] = {}
        deadline = time.monotonic() + LONGEST
        while waiting:
            now = time.monotonic()
            for moment, (process, log) in [*waiting.items()]:
                if moment not in began and moment[0] in log.read_text():
                    began[moment] = now
                if now >= began.get(moment, inf) + moment[1]:
                    process.kill()
                    del waiting[moment]
            assert now < deadline, waiting
            time.sleep(LOOK)


def start(cluster: LocalCluster, document: Path, job: str, stack: ExitStack) -> tuple[Forked, Path]:
    """A run of a Job, which ``stack`` ends at the latest, and the file of what it says."""
    path = document.with_name(f"{job}.log")
    log = stack.enter_context(path.open("wb"))
    argv = [*AUTOX, "run", "-f", str(document), "--experiment", "default/trial"]
    process = fork(argv, env={**cluster.environ, "WORKLOAD": f"Job/{job}"}, stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process, path


@contextmanager
def others(cluster: LocalCluster) -> Iterator[list[str]]:
    """Make them, and remove them at the end; those of them that ``left_behind`` tells."""
    objects = [_other(kind, name, labels) for kind, name, labels in OTHERS]
    cluster.objects.apply(*objects)
    before = _uids(cluster)
    try:
        yield left_behind(cluster)
        assert _uids(cluster) == before
    finally:
        for kind, name, _ in OTHERS:
            cluster.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


def _other(kind: str, name: str, labels: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": KINDS[kind], "metadata": {"name": name, "labels": labels}}


def _uids(cluster: LocalCluster) -> dict[str, str]:
    found = {}
    for kind, name, _ in OTHERS:
        meta = cluster.get(f"{kind}/{name}")["metadata"]
        found[f"{kind}/{name}"] = f"{meta['uid']}{meta.get('deletionTimestamp', '')}"
    return found
