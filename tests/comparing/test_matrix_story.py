"""``autox density matrix`` on real control planes, by the commands of docs/density.md: ended in mid-trial, gone on."""

import json
import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autox.api.tasks.density.matrix import load_matrix
from autox.cluster.home import homes
from autox.cluster.processes import components_of, find
from autox.core.formats.yamltext import read_yaml
from autox.core.statistics.contrasts import slots
from autox.model.errors import AutoxError
from tests.clusters import RARELY, Done, LocalCluster, run, wait_for
from tests.forking import AUTOX, fork

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
EXAMPLE = Path("examples") / "matrix" / "matrix.yaml"
COMMANDS = [
    [*AUTOX, *shlex.split(line)[1:]]
    for block in re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / "density.md").read_text(), re.DOTALL | re.MULTILINE)
    if "density matrix" in block
    for line in block.splitlines()
]
RESTING = {name: {"env": RARELY} for name in ("etcd", "apiServer", "controllerManager", "scheduler")}
PAIR = [{"apiServer": "small", "load": "pods", "watchCache": level} for level in ("on", "off")]
WAIT = 120.0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the example, two variants of it with few pods; no cluster is left of it, however the test ends."""
    document = {
        **read_yaml((ROOT / EXAMPLE).read_bytes()),
        "cluster": RESTING,
        "density": {"nodes": 2, "timeout": "1m", "podsPerDeployment": 2},
        "variants": PAIR,
        "trials": 2,
    }
    document["factors"]["load"]["pods"]["density"] = {"pods": 6, "rate": 6}
    (tmp_path / EXAMPLE).parent.mkdir(parents=True)
    (tmp_path / EXAMPLE).write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for each in homes(clusters(tmp_path)):
        LocalCluster(name=each.name, state=tmp_path / "state").down()


def clusters(place: Path) -> Path:
    """Where all clusters of that folder's state are."""
    return place / "state" / "autox" / "clusters"


def environ(place: Path) -> dict[str, str]:
    """The environment of the commands."""
    return {**os.environ, "XDG_STATE_HOME": str(place / "state")}


def command(number: int, *argv: str) -> Done:
    """One of the page's commands, with more arguments."""
    return run(*COMMANDS[number], *argv, environ=environ(Path.cwd()))


def loaded(place: Path) -> LocalCluster | None:
    """The cluster of a trial whose load has begun; None until then."""
    for home in homes(clusters(place)):
        cluster = LocalCluster(name=home.name, state=place / "state")
        try:
            names = [each["metadata"]["name"] for each in cluster.objects.get("namespaces")["items"]]
        except (OSError, ValueError, KeyError, AssertionError, AutoxError):
            continue
        if any(name.startswith("autox-density-") for name in names):
            return cluster
    return None


def test_a_matrix_that_was_ended_goes_on_and_says_what_differs(place: Path) -> None:
    """Ctrl-C in the second trial leaves nothing but the first result; the next run makes the other three.

    The flag that the variants differ in is there in the API server's own command line, and in the results.
    """
    order = [each.variant.levels["watchCache"] for each in slots(load_matrix(place / EXAMPLE))]
    assert "4 trials, 2 of each variant: " in command(0).out

    with (place / "err").open("w+b") as err:
        running = fork(COMMANDS[1], env=environ(place), stdout=err, stderr=err)
        try:
            kept = place / "sizes"
            [first] = wait_for("a first result", lambda: list(kept.glob("01-*.json")), seconds=WAIT)
            cluster = wait_for("the load of the second trial", lambda: loaded(place), seconds=WAIT)
            argv = components_of(find(cluster.home.directory))["apiServer"].process.cmdline()
            assert ("--watch-cache=false" in argv) is (order[1] == "off")
            running.send_signal(signal.SIGINT)
            assert running.wait(WAIT) == 3
        finally:
            running.kill()
        err.seek(0)
        told = err.read().decode()
    assert "Only 1 of 4 trials were made: it was interrupted." in told, told
    assert [each.name for each in kept.glob("0*.json")] == [first.name]
    assert homes(clusters(place)) == []
    assert find(cluster.home.directory) == []
    before = first.read_bytes()

    done = command(1, "-o", "json")

    assert done.code == 0, done.err
    assert "1 of 4 trials are kept" in done.err
    assert first.read_bytes() == before
    told_of = json.loads(done.out)
    assert [each["variant"].rpartition("-")[2] for each in told_of["trials"]] == order
    for trial in told_of["trials"]:
        found = trial["environment"].get("apiServer.flags.watch-cache")
        assert found == ("false" if trial["variant"].endswith("off") else None)
        assert trial["environment"]["apiServer.env.GOMAXPROCS"] == "1"
        assert trial["environment"]["kube-apiserver"].startswith("v1.")
        assert trial["values"]["density/pod-startup-latency-p99"] > 0
    # NB: two trials of each tell nothing, whatever they look like.
    assert {each["answer"] for each in told_of["findings"]} == {"tooFew"}
    assert "Too few trials to tell" in (kept / "report.html").read_text()
    assert homes(clusters(place)) == []

    assert "6 pods ran on 2 virtual nodes" in command(2).out


def test_a_flag_that_a_component_does_not_know_is_told_with_its_variant(place: Path) -> None:
    """In the words of the component, after seconds; the control plane that did not come up is gone."""
    document = json.loads((place / EXAMPLE).read_text())
    for level in document["factors"]["watchCache"].values():
        level["cluster"] = {"apiServer": {"flags": {"watch-cash": False}}}
    (place / EXAMPLE).write_text(json.dumps(document))

    done = command(1)

    assert done.code == 3
    assert re.search(r"error: the control plane of small-pods-(on|off): apiServer ended before it was ready", done.err)
    assert "unknown flag: --watch-cash" in done.err
    assert homes(clusters(place)) == []
