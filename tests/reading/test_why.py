"""``autox why KIND/NAME`` tells what was done for an object and found, or exactly what is missing."""

import json
from typing import Any

import pytest

from autox.kube.objects import Object
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL
from tests.kube.apiserver import ApiServer
from tests.reading.scene import SEEN, Scene, broken, failed, passed

pytestmark = pytest.mark.integration


def status(**fields: Any) -> Object:
    """The status of a group that a controller has looked at."""
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "UpToDate",
        "message": "all is well",
        "lastTransitionTime": SEEN,
    }
    return {"observedGeneration": 1, "conditions": [ready]} | fields


async def test_the_whole_story(scene: Scene) -> None:
    """Opted in, version, the last decision, each experiment with what it did not meet, and the Events."""
    uid = await scene.opted_in("2.0")
    decision = {
        "time": SEEN,
        "action": "Launch",
        "spec": "load",
        "reason": "NewVersion",
        "message": "the version is 2.0; it was 1.0",
    }
    await scene.group("load", "density", status=status(lastDecision=decision))
    await scene.experiment(uid=uid, version="1.0", **passed() | {"phase": "Deleted"})
    load = await scene.experiment(uid=uid, **failed())
    density = await scene.experiment(uid=uid, spec="density", **broken())
    await scene.event("Experiment", load, reason="SLONotMet", message="1 of 2 SLOs failed")

    told = await scene.autox("why", "deployment/web", columns=100)

    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[0] == f"deployments.apps/{scene.namespace}/web"
    assert f"group {scene.namespace}/shop" in lines
    assert "  opted in   yes (iter8.tools/autox)" in lines
    assert "  version    2.0 (app.kubernetes.io/version)" in lines
    assert "Launch load, " in told.out
    assert "NewVersion: the version is 2.0; it was 1.0" in " ".join(told.out.split())
    assert load in told.out
    assert density in told.out
    assert "1.0 " not in "".join(line for line in lines if "Deleted" in line)
    assert "    http/latency-p99 is 312 ms, wanted at most 100 ms" in lines
    assert "    JobFailed: exit code 137" in lines
    assert "Warning SLONotMet (x3): 1 of 2 SLOs failed" in told.out
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "kind", ["deploy", "deployment", "deployments", "Deployment", "deployments.apps", "deployments.v1.apps"]
)
async def test_kinds_are_called_as_in_kubectl(scene: Scene, kind: str) -> None:
    """Whatever kubectl takes."""
    await scene.opted_in()

    told = await scene.autox("why", f"{kind}/web")

    assert told.code == 0, told.err
    assert told.out.startswith(f"deployments.apps/{scene.namespace}/web\n")


async def test_a_custom_kind_is_known_by_its_plural(scene: Scene) -> None:
    """The API server knows the words of every kind, short ones too."""
    await scene.group()

    for kind in ("experimentgroups.autox.dev", "experimentgroups", "xg"):
        told = await scene.autox("why", f"{kind}/shop")
        assert told.code == 0, told.err
        assert told.out.startswith(f"experimentgroups.autox.dev/{scene.namespace}/shop\n")


@pytest.mark.parametrize(
    ("labels", "said", "command"),
    [
        ({}, "has no label iter8.tools/autox", "iter8.tools/autox=true"),
        ({OPT_IN_LABEL: "true"}, "has no label app.kubernetes.io/version", "app.kubernetes.io/version=VERSION"),
        ({OPT_IN_LABEL: "true", VERSION_LABEL: ""}, "an empty label", "app.kubernetes.io/version=VERSION"),
    ],
)
async def test_what_is_missing_is_a_command_to_copy(
    scene: Scene, labels: dict[str, str], said: str, command: str
) -> None:
    """On a line of its own, whole, however narrow the terminal."""
    await scene.web(**labels)
    await scene.group(status=status())

    told = await scene.autox("why", "deployment/web")

    assert told.code == 0, told.err
    assert said in " ".join(told.out.split())
    [line] = [line.strip() for line in told.out.splitlines() if "kubectl" in line]
    assert line == f"kubectl label --overwrite -n {scene.namespace} deployments.apps/web {command}"


async def test_what_stands_in_the_way_is_told_once(scene: Scene) -> None:
    """However many of status, last decision and Events say it."""
    message = "no label app.kubernetes.io/version"
    command = "kubectl label --overwrite"
    await scene.web(**{OPT_IN_LABEL: "true"})
    obstacle = (
        f"deployments.apps/{scene.namespace}/web has opted in but has {message}; to name its version: {command}"
        f" -n {scene.namespace} deployments.apps/web app.kubernetes.io/version=VERSION"
    )
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "VersionMissing",
        "message": obstacle,
        "lastTransitionTime": SEEN,
    }
    decision = {"time": SEEN, "action": "Wait", "spec": "load", "reason": "VersionMissing", "message": obstacle}
    await scene.group(status=status(conditions=[ready], lastDecision=decision))
    await scene.event("ExperimentGroup", "shop", reason="VersionMissing", message=obstacle)

    told = await scene.autox("why", "deployment/web")

    assert " ".join(told.out.split()).count(message) == 1
    assert told.out.count(command) == 1


async def test_what_an_experiment_met_is_told_once(scene: Scene) -> None:
    """Its Event is told of the group too, and its error stands under it, whole: one sentence is enough."""
    uid = await scene.opted_in()
    await scene.group(status=status())
    error = f"task http failed: {'very ' * 30}broken"
    name = await scene.experiment(uid=uid, **broken() | {"message": error})
    for kind, about in (("Experiment", name), ("ExperimentGroup", "shop")):
        await scene.event(kind, about, reason="TaskFailed", message=error)
        await scene.event(kind, about, reason="Launched", message="launched it")

    told = await scene.autox("why", "deployment/web")

    text = " ".join(told.out.split())
    assert text.count(error) == 1
    assert text.count("launched it") == 1


async def test_why_a_deleted_experiment_had_its_verdict_is_kept(scene: Scene) -> None:
    """The reason of its deletion is no reason of its verdict."""
    uid = await scene.opted_in()
    await scene.group(status=status())
    completed = {"type": "Completed", "reason": "JobFailed", "message": "exit code 137", "lastTransitionTime": SEEN}
    gone = {"phase": "Deleted", "reason": "NewVersion", "message": "the version is 3"}
    await scene.experiment(uid=uid, **broken() | gone | {"conditions": [completed | {"status": "True"}]})
    await scene.experiment(uid=uid, version="3", **broken() | gone)

    told = await scene.autox("history")

    assert told.out.count("  JobFailed: exit code 137") == 1
    assert "NewVersion" not in told.out


async def test_a_pod_that_does_not_start_is_told(scene: Scene) -> None:
    """An experiment that runs and gets nowhere says so."""
    uid = await scene.opted_in()
    await scene.group(status=status())
    await scene.experiment(uid=uid, phase="Running", reason="PodWaiting", message="the pod does not start: no Secret")

    told = await scene.autox("why", "deployment/web")

    assert "    PodWaiting: the pod does not start: no Secret" in told.out.splitlines()


async def test_opting_out_is_told(scene: Scene) -> None:
    """A label with another value is not the same as none."""
    await scene.web(**{OPT_IN_LABEL: "false"})
    await scene.group(status=status())

    told = await scene.autox("why", "deployment/web")

    assert "only iter8.tools/autox=true opts in" in " ".join(told.out.split())
    assert "  opted in   no (iter8.tools/autox)" in told.out


async def test_an_object_that_is_not_there_is_told(scene: Scene) -> None:
    """Groups may be there before what they test; a script that asks sees by exit code 3 that it is not, and not 0."""
    await scene.group(status=status())

    told = await scene.autox("why", "deployment/web")
    data = await scene.autox("why", "deployment/web", "-o", "json")

    assert (told.code, data.code, json.loads(data.out)["state"]) == (3, 3, "Absent")
    assert "does not exist, or is being deleted" in told.out
    assert f"group {scene.namespace}/shop" in told.out


async def test_a_misspelt_object_leads_to_the_one_that_was_meant(scene: Scene) -> None:
    """Nobody is told how to test what does not exist."""
    await scene.group(status=status())

    told = await scene.autox("why", "deployment/wbe")

    assert told.code == 3
    assert "does not exist" in told.out
    assert f"Group {scene.namespace}/shop names deployments.apps/{scene.namespace}/web." in " ".join(told.out.split())
    assert "helm upgrade" not in told.out


async def test_an_object_that_no_group_names(scene: Scene) -> None:
    """What to add is a command; a group that names a namesake elsewhere is pointed out."""
    await scene.opted_in()
    trigger = {"group": "apps", "version": "v1", "resource": "statefulsets", "namespace": "staging", "name": "web"}
    await scene.group(trigger=trigger)

    told = await scene.autox("why", "deployment/web")

    assert told.code == 0
    assert "No experiment group names it" in told.out
    assert f"Group {scene.namespace}/shop names statefulsets.apps/staging/web." in told.out
    assert f"--set 'groups.web.trigger.namespace={scene.namespace}'" in told.out
    assert "--set 'groups.web.trigger.resource=deployments'" in told.out


async def test_a_group_that_nobody_looks_at(scene: Scene) -> None:
    """Without a controller the group's status stays as it was: that is the reason to tell."""
    await scene.opted_in()
    await scene.group(status={})

    told = await scene.autox("why", "deployment/web")

    assert "the controller has not seen this group as it is now" in " ".join(told.out.split())


async def test_what_troubles_a_group_is_told(scene: Scene) -> None:
    """The controller's own words, from the condition Ready."""
    await scene.opted_in()
    trouble = {
        "type": "Ready",
        "status": "False",
        "reason": "ChartNotFound",
        "message": "autox has no chart named laod",
        "lastTransitionTime": SEEN,
    }
    await scene.group(status=status(conditions=[trouble]))

    told = await scene.autox("why", "deployment/web")

    assert "  trouble    ChartNotFound: autox has no chart named laod" in told.out


async def test_a_group_that_makes_no_sense_is_told(scene: Scene) -> None:
    """What the API server could not check is said by whoever asks why nothing happens."""
    await scene.opted_in()
    await scene.group(specs={"load": {"name": "experiment", "values": {"tasks": ["htpp"]}}}, status={})

    told = await scene.autox("why", "deployment/web")

    assert told.code == 0, told.err
    assert "spec.specs.load.values.tasks" in told.out


async def test_json_is_for_programs(scene: Scene) -> None:
    """The same, with the fields of `autox history -o json` for each experiment."""
    uid = await scene.opted_in()
    await scene.group(status=status())
    name = await scene.experiment(uid=uid, **failed())

    told = json.loads((await scene.autox("why", "deploy/web", "-o", "json")).out)

    assert (told["object"], told["state"]) == (f"deployments.apps/{scene.namespace}/web", "Present")
    [group] = told["groups"]
    assert (group["optedIn"], group["version"], group["isLaunching"]) == (True, "2.0", True)
    assert [(each["name"], each["verdict"]) for each in group["experiments"]] == [(name, "Fail")]
    assert [each["type"] for each in group["conditions"]] == ["Ready"]


async def test_who_may_read_little_is_told_the_rest(scene: Scene, api_server: ApiServer, reader: str) -> None:
    """What may not be read is said; what the controller has seen of it is told in its place."""
    uid = await scene.opted_in()
    await scene.group(status=status(trigger={"uid": uid, "version": "2.0", "optedIn": True}))
    name = await scene.experiment(uid=uid, **passed())

    kubeconfig = str(api_server.kubeconfig(reader, groups=("system:authenticated",)))
    told = await scene.autox("why", "deployment/web", KUBECONFIG=kubeconfig)

    assert told.code == 0, told.err
    text = " ".join(told.out.split())
    assert f"only groups in namespace {scene.namespace} were looked at" in text
    assert "events cannot be read" in text
    assert "version 2.0" in text
    assert name in text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("web", "is not KIND/NAME"),
        ("deployment/", "is not KIND/NAME"),
        ("a/b/c", "is not KIND/NAME"),
        ("deplyoment/web", "no kind of object"),
        ("nodes/n", "no kind of object in a namespace"),
        ("deployments.example.com/web", "no kind of object"),
        ("../x/web", "is not KIND/NAME"),
        ("pods?x/web", "no kind of object"),
    ],
)
async def test_mistakes(scene: Scene, word: str, said: str) -> None:
    """Exit code 2 with what it should look like."""
    done = await scene.autox("why", word)

    assert (done.code, said in done.err) == (2, True), done.err


async def test_an_api_server_that_cannot_be_read(scene: Scene, api_server: ApiServer) -> None:
    """Exit code 3: nothing was explained."""
    nobody = api_server.kubeconfig("robin", groups=())

    away = await scene.autox("why", "deployment/web", KUBECONFIG=str(api_server.kubeconfig(url="https://127.0.0.1:9")))
    forbidden = await scene.autox("why", "deployment/web", KUBECONFIG=str(nobody))

    assert (away.code, "cannot reach https://127.0.0.1:9: Connection refused\nhint: " in away.err) == (3, True)
    assert (forbidden.code, "forbidden" in forbidden.err) == (3, True)
