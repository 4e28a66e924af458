"""``-n`` is the namespace of what is named, and ``-A`` finds it, in every command that takes a name."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from autox.api.results import object_from_result
from autox.model.refs import NAMESPACES
from tests.kube.apiserver import ApiServer
from tests.reading.scene import Scene, passed
from tests.report import samples

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A group in one namespace, and its trigger and experiment in another."""

    home: Scene
    away: Scene
    group: str
    name: str


@pytest.fixture
async def apart(scene: Scene) -> AsyncIterator[Apart]:
    """An experiment that passed."""
    home = replace(scene, namespace=f"{scene.namespace}-home")
    await scene.kube.create(NAMESPACES, {"metadata": {"name": home.namespace}})
    uid = await scene.opted_in("2.0")
    trigger = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": scene.namespace, "name": "web"}
    group = f"of-{scene.namespace}"
    await home.group(name=group, trigger=trigger)
    status = passed() | {"result": object_from_result(samples.passed())}
    name = await scene.experiment(uid=uid, group=group, group_namespace=home.namespace, **status)
    yield Apart(home=home, away=scene, group=group, name=name)
    await scene.kube.delete(NAMESPACES, home.namespace)


OF_A_GROUP = [("history",), ("report",), ("assert", "-c", "slos")]


@pytest.mark.parametrize("argv", OF_A_GROUP, ids=[argv[0] for argv in OF_A_GROUP])
async def test_a_group_is_looked_for_where_it_is(apart: Apart, argv: tuple[str, ...]) -> None:
    """With -g, -n was the group's namespace in one command and that of its experiments in the others."""
    argv = (*argv, "-g", apart.group)
    at_home, away = await apart.home.autox(*argv), await apart.away.autox(*argv)
    anywhere = await apart.away.autox(*argv, "-A")

    shown = {"report": "Pass  "}.get(argv[0], apart.name)
    assert (at_home.code, shown in at_home.out) == (0, True), at_home.out + at_home.err
    assert (anywhere.code, shown in anywhere.out) == (0, True), anywhere.out + anywhere.err
    assert shown not in away.out
    assert away.code == (0 if argv[0] == "history" else 3)


OF_AN_EXPERIMENT = [("report",), ("assert", "-c", "slos")]


@pytest.mark.parametrize("argv", OF_AN_EXPERIMENT, ids=[argv[0] for argv in OF_AN_EXPERIMENT])
async def test_an_experiment_is_looked_for_where_it_is(apart: Apart, argv: tuple[str, ...]) -> None:
    """By its name, in its own namespace, or wherever it is."""
    command, *more = argv
    away, at_home = (
        await apart.away.autox(command, apart.name, *more),
        await apart.home.autox(command, apart.name, *more),
    )
    anywhere = await apart.home.autox(command, apart.name, *more, "-A")
    nowhere = await apart.home.autox(command, "nope", *more, "-A")

    assert (away.code, at_home.code, anywhere.code) == (0, 3, 0), anywhere.err
    assert (nowhere.code, "no experiment nope in any namespace" in nowhere.err) == (3, True)


async def test_an_object_is_looked_for_where_it_is(apart: Apart) -> None:
    """The object, not the group that names it."""
    away = await apart.away.autox("why", "deploy/web")
    at_home = await apart.home.autox("why", "deploy/web")

    assert (away.code, at_home.code) == (0, 3)
    assert apart.name in away.out


async def test_what_is_there_twice_is_not_guessed(apart: Apart) -> None:
    """-A names the places, and -n chooses."""
    trigger = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": "elsewhere", "name": "web"}
    await apart.away.group(name=apart.group, trigger=trigger)

    both = await apart.home.autox("assert", "-g", apart.group, "-c", "slos", "-A")
    listed = await apart.home.autox("history", "-g", apart.group, "-A", "-o", "json")

    places = ", ".join(sorted([apart.home.namespace, apart.away.namespace]))
    assert (both.code, f"in namespaces {places}" in " ".join(both.err.split())) == (2, True), both.err
    assert [each["name"] for each in json.loads(listed.out)["experiments"]] == [apart.name]


async def test_who_may_read_one_namespace(scene: Scene, api_server: ApiServer, reader: str) -> None:
    """Where not all experiments may be listed, those in the trigger's namespace are."""
    await scene.group()
    name = await scene.experiment(**passed())
    kubeconfig = str(api_server.kubeconfig(reader, groups=("system:authenticated",)))

    done = await scene.autox("history", "-g", "shop", KUBECONFIG=kubeconfig)

    assert (done.code, name in done.out) == (0, True), done.err
