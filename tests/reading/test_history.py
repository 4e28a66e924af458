"""``autox history`` lists what was tested and what became of it, in a terminal's width, and says what was not met."""

import asyncio
import json

import pytest

from autox.kube.objects import Object
from tests.kube.apiserver import ApiServer
from tests.reading.scene import Scene, broken, failed, passed

pytestmark = pytest.mark.integration


async def test_experiments_with_their_verdicts(scene: Scene) -> None:
    """One line each; below one that did not pass stands the SLO with limit and observed value."""
    first = await scene.experiment(version="1.10", **passed())
    second = await scene.experiment(version="2.0", **failed())
    third = await scene.experiment(version="3.0", phase="Running")

    shown = await scene.autox("history", columns=120)

    assert shown.code == 0, shown.err
    header, *lines = [line.split() for line in shown.out.splitlines()]
    assert header == ["GROUP", "SPEC", "VERSION", "PHASE", "VERDICT", "AGE", "EXPERIMENT"]
    rows = [[*line[:5], line[-1]] for line in lines if line[0] == "shop"]
    assert sorted(rows) == [
        ["shop", "load", "1.10", "Completed", "Pass", first],
        ["shop", "load", "2.0", "Completed", "Fail", second],
        ["shop", "load", "3.0", "Running", "-", third],
    ]
    assert "  http/latency-p99 is 312 ms, wanted at most 100 ms\n" in shown.out
    assert "error-rate" not in shown.out


async def test_the_newest_is_the_last(scene: Scene) -> None:
    """There the eye is, and there is the prompt."""
    old = await scene.experiment(**passed())
    await asyncio.sleep(1.1)  # NB: moments of creation are whole seconds
    new = await scene.experiment(version="1.0", **passed())

    lines = (await scene.autox("history", columns=120)).out.splitlines()

    assert [line.split()[-1] for line in lines[1:]] == [old, new]


async def test_it_fits_eighty_columns(scene: Scene) -> None:
    """What the name of an experiment says already is left out where there is no room for it."""
    await scene.experiment(group="a-group-of-some-length", spec="density-of-cluster-b", version="2026.1.0", **failed())
    await scene.experiment(version="2.0", **broken() | {"message": "word " * 100})

    shown = await scene.autox("history")

    assert max(map(len, shown.out.splitlines())) <= 80
    assert shown.out.splitlines()[0].split() == ["VERSION", "VERDICT", "AGE", "EXPERIMENT"]
    assert "JobFailed: word word" in shown.out


async def test_a_second_test_of_a_version_is_told_apart(scene: Scene) -> None:
    """The revision is a column as soon as there is more than one."""
    await scene.experiment(**passed())
    await scene.experiment(revision=2, **passed())

    shown = await scene.autox("history", columns=120)

    assert "REVISION" in shown.out


async def test_group_spec_and_namespace_choose(scene: Scene) -> None:
    """Options narrow the list; all namespaces have a column of their own."""
    load = await scene.experiment(**passed())
    other = await scene.experiment(group="other", **passed())
    density = await scene.experiment(spec="density", **passed())

    of_group = (await scene.autox("history", "-g", "shop")).out
    of_spec = (await scene.autox("history", "-g", "shop", "-s", "density")).out
    everywhere = (await scene.autox("history", "-A", columns=200)).out

    assert load in of_group
    assert density in of_group
    assert other not in of_group
    assert density in of_spec
    assert load not in of_spec
    assert everywhere.startswith("NAMESPACE")
    assert [line for line in everywhere.splitlines() if line.startswith(scene.namespace)]


async def test_json_is_for_programs(scene: Scene) -> None:
    """Every field of the record, with the same names each time, whatever is unknown as null."""
    name = await scene.experiment(uid="u-1", **failed())

    [each] = json.loads((await scene.autox("history", "-o", "json")).out)["experiments"]

    assert each["slos"][1]["observed"] == 312.4
    del each["slos"], each["createdAt"]
    assert each == {
        "namespace": scene.namespace,
        "name": name,
        "group": {"namespace": scene.namespace, "name": "shop"},
        "spec": "load",
        "chart": {"name": "experiment", "version": "", "repo": ""},
        "trigger": f"deployments.apps/{scene.namespace}/web",
        "triggerUid": "u-1",
        "version": "2.0",
        "revision": 1,
        "phase": "Completed",
        "verdict": "Fail",
        "reason": "SLONotMet",
        "message": "1 of 2 SLOs failed",
        "launchedAt": None,
        "completedAt": "2026-01-01T00:00:00.000000Z",
        "loops": 1,
    }


async def test_an_empty_list_says_how_to_begin(scene: Scene) -> None:
    """No experiments is no error, and what to do is a command."""
    shown = await scene.autox("history", "-g", "shop")

    assert shown.code == 0
    assert f"no experiments of group shop in namespace {scene.namespace}" in shown.out
    assert "kubectl label deployment/NAME iter8.tools/autox=true" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert json.loads((await scene.autox("history", "-o", "json")).out) == {"experiments": []}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"slos": [{"metric": "m", "bound": "upper", "limit": 1, "verdict": "Fail"}]}, id="no observation"),
        pytest.param({"verdict": "Fail", "message": "\x1b[2Jred\u202e"}, id="control characters"),
        pytest.param({"verdict": "Error", "message": "x" * 30_000}, id="a huge message"),
        pytest.param({"verdict": "Fail", "slos": []}, id="a failure without SLOs"),
        pytest.param({"loops": -5, "totals": {"Pass": 10**15}}, id="strange figures"),
        pytest.param({"result": {"apiVersion": 1, "kind": [], "tasks": "none"}}, id="a result that is none"),
    ],
)
async def test_strange_statuses_are_shown(scene: Scene, status: Object) -> None:
    """Whatever the API server let in is shown without harm to a terminal."""
    name = await scene.experiment(**status)

    shown = await scene.autox("history", columns=120)

    assert shown.code == 0, shown.err
    assert name in shown.out
    assert all(line.isprintable() for line in shown.out.splitlines())
    assert max(map(len, shown.out.splitlines())) <= 120


async def test_a_cluster_that_cannot_be_read_is_an_error(scene: Scene, api_server: ApiServer) -> None:
    """Exit code 3 with what to do; 2 if the kubeconfig is wrong."""
    robin = api_server.kubeconfig("robin", groups=())
    nowhere = api_server.kubeconfig(url="https://127.0.0.1:9")

    forbidden = await scene.autox("history", KUBECONFIG=str(robin))
    unreachable = await scene.autox("history", "--kubeconfig", str(nowhere))
    mistaken = await scene.autox("history", "--context", "nope")

    assert (forbidden.code, "forbidden" in forbidden.err) == (3, True)
    assert (unreachable.code, "127.0.0.1:9" in unreachable.err) == (3, True)
    assert (mistaken.code, 'no context "nope"' in mistaken.err) == (2, True)
