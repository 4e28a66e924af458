"""The benchmark of drivers that load a control plane: what they are told, what they tell, and the table of it."""

import json
import math
from pathlib import Path

import msgspec
import pytest
import yaml

from autox.core.loads.workloads import expand, plan_of
from autox.nodes.node.nodeobject import PROVIDER_LABEL
from autox.tasks.density.labels import RUN_LABEL
from autox.tasks.density.workload import body
from benchmarks.bench_density import FULL, MISSING, QUICK, playing, program
from benchmarks.density.drivers import AutoxDriver, Load, Told
from benchmarks.density.kubeburner import KubeBurner
from benchmarks.density.rigs import LABELS, RUN, STARTED, KubeletLikeKwok, MarkedAutox, MarkedKwok, rigs
from benchmarks.density.running import Place, PodWatch, Run, play
from benchmarks.density.table import OURS, document, markdown
from benchmarks.kwok.obtaining import Kwok
from benchmarks.nodes.agents import Setting
from benchmarks.nodes.watching import Event, Watched
from tests.clusters import LocalCluster

SAID = Path(__file__).parent / "kube-burner"
"""What v2.7.3 wrote of three pods on nodes of KWOK that post Events, but have not all conditions of a kubelet."""

DRIVER, KWOK_DRIVER = "kube-burner on autox", "kube-burner on kwok"
PEER = KubeBurner(Path("/bin/kube-burner"), RUN)


def run_of(rig: str, *, verdict: str = "Pass, exit code 0", **figures: float) -> Run:
    """A run that gave these figures."""
    return Run(rig=rig, figures=figures, verdict=verdict)


def cells(text: str, title: str) -> list[str]:
    """The cells of a row of a table."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_driver_alone_is_held_against_the_cheapest_kube_burner() -> None:
    """By medians, each beside the least and the most of its runs."""
    runs = [run_of("autox", driver_cpu=value) for value in (5.0, 6.0, 7.0)]
    runs += [run_of(OURS, driver_cpu=value) for value in (3.0, 2.0, 4.0)]
    runs += [run_of(DRIVER, driver_cpu=value) for value in (9.0, 7.0, 8.0)]
    runs += [run_of(KWOK_DRIVER, driver_cpu=value) for value in (6.0, 5.0, 7.0)]
    text = markdown(FULL, runs)

    assert text.startswith("100 virtual nodes, 2,000 pods in 200 Deployments, 5 Deployments a second:\n")
    assert f"| | autox | {OURS} | {DRIVER} | {KWOK_DRIVER} | {OURS} / least of kube-burner | bar |  |" in text
    assert cells(text, "driver, CPU-s") == [
        "6.00 (5.00 to 7.00)",
        "3.00 (2.00 to 4.00)",
        "8.00 (7.00 to 9.00)",
        "6.00 (5.00 to 7.00)",
        "0.50",
        "≤ 1/2",
        "met",
    ]


def test_every_verdict_of_a_driver_is_shown() -> None:
    """A driver that says now this and now that is shown with both."""
    runs = [
        run_of("autox", ran=20.0),
        run_of(DRIVER, verdict="passed: true, exit code 0", ran=20.0),
        run_of(DRIVER, verdict="passed: false, exit code 4", ran=20.0),
    ]

    assert cells(markdown(QUICK, runs), "its verdict")[:2] == [
        "Pass, exit code 0",
        "passed: true, exit code 0, passed: false, exit code 4",
    ]


@pytest.mark.parametrize("ours", [run_of(OURS), run_of(OURS, driver_cpu=math.nan)])
def test_the_bar_is_not_met_by_a_figure_that_is_not_there(ours: Run) -> None:
    """Neither by none nor by one that is no number."""
    runs = [ours, run_of(DRIVER, driver_cpu=8.0)]

    assert cells(markdown(QUICK, runs), "driver, CPU-s")[-2:] == ["≤ 1/2", "not measured"]


def test_without_a_peer_autox_stands_alone_and_the_reader_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No comparison is shown, and a line says where the peer is to be had from."""
    monkeypatch.setenv("PATH", "")
    compared = rigs(program(None), None)
    text = markdown(QUICK, [run_of(rig.name, driver_cpu=1.25) for rig in compared])

    assert [rig.name for rig in compared] == ["autox", OURS]
    assert cells(text, "driver, CPU-s") == ["1.25", "1.25"]
    assert "not on PATH; docs/benchmarks.md says where" in MISSING


def test_a_peer_that_was_named_and_is_not_there_is_refused(tmp_path: Path) -> None:
    """Before any cluster is brought up."""
    with pytest.raises(SystemExit, match=r"--kube-burner: .*nothing is no program"):
        program(str(tmp_path / "nothing"))


def test_each_round_begins_with_another_rig() -> None:
    """So that nobody always has the control plane while it is new; what the bar is not about plays once, at the end."""
    compared = rigs(Path("/bin/kube-burner"), Kwok(program=Path("/bin/kwok"), stages=()))
    rounds = [[rig.name for rig in playing(compared, number, rounds=2)] for number in range(2)]
    often = [OURS, DRIVER, "kube-burner on kwok-kubelet"]

    assert rounds == [often, [*often[1:], often[0], "autox", "autox on kwok", KWOK_DRIVER]]
    assert [rig.name for rig in playing(rigs(None, None), 0, rounds=1)] == [OURS, "autox"]


def test_both_drivers_make_the_same_deployments(tmp_path: Path) -> None:
    """But for their names and their namespace."""
    PEER.command(QUICK, kubeconfig=tmp_path / "kubeconfig", directory=tmp_path)
    theirs = yaml.safe_load((tmp_path / "deployment.yaml").read_text())
    ours = body(next(expand(plan_of(QUICK.inputs), nodes=QUICK.nodes)), RUN, place="any")

    assert theirs["metadata"]["name"] == "load-{{.Replica}}"
    assert theirs == json.loads(json.dumps(ours).replace("load-0", "load-{{.Replica}}")) | {
        "metadata": {"name": "load-{{.Replica}}", "labels": ours["metadata"]["labels"]}
    }


def test_all_agents_serve_the_nodes_that_the_pods_are_for(tmp_path: Path) -> None:
    """By their names and their labels; without the label by which a dead run is found."""
    setting = Setting(kubeconfig=tmp_path / "kubeconfig", directory=tmp_path, nodes=2, lease_seconds=40)
    ours = json.loads(Path(MarkedAutox().command(setting)[-1]).read_text())["mock"]
    kwok = MarkedKwok(Kwok(program=Path("/bin/kwok"), stages=()), name="kwok", parallelism=4)
    theirs = kwok.node(f"{RUN.node_prefix}0")

    assert theirs is not None
    assert ours["namePrefix"] == RUN.node_prefix
    assert ours["labels"] == LABELS
    assert RUN.node_selector == {**LABELS, PROVIDER_LABEL: "mock"}
    assert RUN.node_selector.items() <= theirs["metadata"]["labels"].items()
    assert RUN_LABEL not in {*ours["labels"], *theirs["metadata"]["labels"]}


def test_both_drivers_have_the_same_rate_limit_and_time(tmp_path: Path) -> None:
    """Deployments a second, the limit on the 99th percentile, and how long they may wait."""
    load = Load(nodes=3, deployments=4, replicas=5, rate=2, limit=1.5, timeout=60)
    kubeconfig = tmp_path / "kubeconfig"
    command = PEER.command(load, kubeconfig=kubeconfig, directory=tmp_path)
    theirs = yaml.safe_load((tmp_path / "config.yaml").read_text())
    AutoxDriver().command(load, kubeconfig=kubeconfig, directory=tmp_path)
    density, assess = (each["with"] for each in json.loads((tmp_path / "experiment.json").read_text())["tasks"])
    (job,) = theirs["jobs"]

    assert command[:4] == ("/bin/kube-burner", "init", "-c", str(tmp_path / "config.yaml"))
    assert (job["qps"], job["maxWaitTimeout"]) == (2, "60s")
    assert (density["rate"], density["timeout"]) == (10, "60s")
    assert theirs["global"]["measurements"][0]["thresholds"][0]["threshold"] == "1.5s"
    assert assess["SLOs"]["upper"] == {"density/pod-startup-latency-p99": 1500.0}
    assert job["objects"][0]["replicas"] * load.replicas == density["pods"] == 20


def test_what_kube_burner_documents_is_read_from_its_files() -> None:
    """Each pod once, the 99th percentile until Ready, and whether it says that the job passed."""
    assert PEER.told(SAID, code=4) == Told(documented=3, p99=0.0, verdict="passed: false, exit code 4")


@pytest.mark.parametrize("driver", [PEER, AutoxDriver()])
def test_a_driver_that_left_nothing_has_documented_nothing(driver: KubeBurner | AutoxDriver, tmp_path: Path) -> None:
    """Its exit code is all that there is to show."""
    told = driver.told(tmp_path, code=3)

    assert (told.documented, told.p99) == (0, None)
    assert told.verdict.endswith("exit code 3")


def test_kwok_makes_pods_ready_as_a_kubelet_does(tmp_path: Path) -> None:
    """With the Event and the condition that a kubelet has beside what KWOK has; its other stages are as they were."""
    ready, gone = tmp_path / "ready.yaml", tmp_path / "gone.yaml"
    text = "conditions:\n- type: Ready\n"
    for file, name in ((ready, "pod-ready"), (gone, "pod-delete")):
        file.write_text(yaml.safe_dump({"metadata": {"name": name}, "spec": {"next": {"statusTemplate": text}}}))
    kwok = KubeletLikeKwok(Kwok(program=Path("/bin/kwok"), stages=(ready, gone)), name="kwok-kubelet", parallelism=4)
    likely, plain = (yaml.safe_load(stage)["spec"]["next"] for stage in kwok.stages())
    status = yaml.safe_load(likely["statusTemplate"].replace("{{ $now | Quote }}", "now"))

    assert likely["event"] == STARTED
    assert [each["type"] for each in status["conditions"]] == ["PodReadyToStartContainers", "Ready"]
    assert plain == {"statusTemplate": text}


def seen(kind: str, uid: str, *, phase: str = "Pending", namespace: str = "new") -> Event[Watched]:
    """An event of a watch of pods."""
    conditions = [{"type": "Ready", "status": "True"}] if phase == "Running" else []
    meta = {"name": uid, "uid": uid, "namespace": namespace, "resourceVersion": "1"}
    event = {"type": kind, "object": {"metadata": meta, "status": {"phase": phase, "conditions": conditions}}}
    return msgspec.convert(event, Event[Watched])


def test_a_startup_is_from_the_first_sight_of_a_pod_to_the_first_sight_of_it_running() -> None:
    """Pods that were there before, and what happens later, are no part of it."""
    watch = PodWatch({"old"})
    for at, event in enumerate(
        [
            seen("ADDED", "a"),
            seen("ADDED", "theirs", namespace="old"),
            seen("ADDED", "b"),
            seen("MODIFIED", "a", phase="Running"),
            seen("MODIFIED", "a", phase="Running"),
            seen("DELETED", "a", phase="Running"),
        ]
    ):
        watch.present(event, at=float(at))

    assert watch.startups() == [3.0]
    assert watch.left == {"b"}


def test_the_document_is_plain_json() -> None:
    """With the load, and null for what is no number."""
    text = json.dumps(document(QUICK, [run_of("autox", p99_seen=math.nan)]), allow_nan=False)

    assert json.loads(text) == {
        "load": {"nodes": 20, "deployments": 20, "pods": 200, "rate": 5},
        "runs": [{"rig": "autox", "figures": {"p99_seen": None}, "verdict": "Pass, exit code 0"}],
    }


@pytest.mark.integration
@pytest.mark.parametrize("number", [0, 1], ids=["with its nodes", "alone"])
async def test_autox_documents_every_pod_at_the_smallest_size(
    cluster: LocalCluster, tmp_path: Path, number: int
) -> None:
    """Every figure is there, without any peer, and no pod and no node is left."""
    place = Place(kubeconfig=cluster.home.kubeconfig, server=server_of(cluster), directory=tmp_path)
    said: list[str] = []
    rig = rigs(None, None)[number]
    run = await play(rig, Load(nodes=2, deployments=4, replicas=5, limit=60.0), place, say=said.append)

    assert (run.figures["ran"], run.figures["documented"]) == (20, 20)
    assert run.verdict == "Pass, exit code 0"
    assert {"driver_cpu", "rig_cpu", "rss", "server_cpu", "wall", "p99_told"} < set(run.figures)
    assert ("nodes_cpu" in run.figures) is (rig.agent is not None)
    assert run.figures["p99_told"] == pytest.approx(run.figures["p99_seen"], abs=1.0)
    assert "20 of 20 pods documented" in said[0]
    assert RUN.namespace not in cluster.kubectl("get", "nodes,namespaces", "-o", "name")


def server_of(cluster: LocalCluster) -> int:
    """The process id of its API server."""
    status = json.loads(cluster.autox("status", "-o", "json").out)
    return next(int(each["pid"]) for each in status["components"] if each["name"] == "apiServer")
