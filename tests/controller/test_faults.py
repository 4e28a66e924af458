"""Whatever fails, nothing is deleted by mistake, nothing runs twice, and somebody is told why."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Listing, Object, metadata
from autox.model.errors import (
    AutoxError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    NotOursError,
    TransientError,
    UnauthorizedError,
    UnreachableError,
)
from autox.model.experiments import FoundRelease
from autox.model.groups import ChartRef
from autox.model.refs import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    EXPERIMENTS,
    JOBS,
    SECRETS,
    Resource,
)
from autox.model.trigger import TriggerWatch, WatchTrouble
from autox.model.verdict import Phase, Verdict
from autox.testing.releases import RecordingReleases
from tests.controller.conftest import DEFINITIONS
from tests.controller.scene import OPT_IN, READY_WEB, UNDER_TEST, VERSION, Scene
from tests.kube.apiserver import ApiServer

pytestmark = pytest.mark.integration


ROLE_BINDINGS = Resource(group=CLUSTER_ROLES.group, version="v1", plural="rolebindings", kind="RoleBinding")
BOMB = "a0: &a0 hunter2\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(12))
"""A kilobyte of YAML that stands for a million million values."""


class KilledError(Exception):
    """The controller is gone at this point."""


class Fate:
    """Counts the writes of a controller and kills it before or after one of them."""

    def __init__(self, at: int, *, before: bool) -> None:
        self._left = at
        self._before = before
        self.struck = False

    def strike(self, *, before: bool) -> None:
        """Called around each write."""
        if before:
            self._left -= 1
        if self._left == 0 and before is self._before:
            self.struck = True
            raise KilledError


class DyingClient(KubeClient):
    """A client whose owner is killed around one of its writes."""

    def __init__(self, fate: Fate, kube: KubeClient) -> None:
        super().__init__(kube.connection)
        self._fate = fate

    async def create(self, resource: Resource, body: Object, **rest: Any) -> Object:
        """Create, perhaps for the last time."""
        self._fate.strike(before=True)
        made = await super().create(resource, body, **rest)
        self._fate.strike(before=False)
        return made

    async def apply(self, resource: Resource, body: Object, **rest: Any) -> Object:
        """Apply, perhaps for the last time."""
        self._fate.strike(before=True)
        made = await super().apply(resource, body, **rest)
        self._fate.strike(before=False)
        return made


class DyingReleases:
    """Releases whose owner is killed around one of its runs of Helm."""

    def __init__(self, fate: Fate, releases: RecordingReleases) -> None:
        self._fate = fate
        self._releases = releases

    def meant(self, chart: ChartRef) -> ChartRef:
        """The same."""
        return self._releases.meant(chart)

    async def install(self, name: str, **rest: Any) -> str:
        """Install, perhaps for the last time."""
        self._fate.strike(before=True)
        note = await self._releases.install(name, **rest)
        self._fate.strike(before=False)
        return note

    async def uninstall(self, name: str, **rest: Any) -> str:
        """Uninstall, perhaps for the last time."""
        self._fate.strike(before=True)
        note = await self._releases.uninstall(name, **rest)
        self._fate.strike(before=False)
        return note

    async def found(self, *, namespace: str) -> list[FoundRelease]:
        """All of them."""
        return await self._releases.found(namespace=namespace)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_controller_killed_at_any_write_leaves_one_run(scene: Scene, before: bool) -> None:  # noqa: FBT001
    """Killed around each write of a version change, the next controller ends with exactly one run of the version."""
    await scene.group()
    await scene.trigger(opt_in="true", version="0")
    await scene.look()
    struck = 0
    for at in range(1, 20):
        fate, version = Fate(at, before=before), str(at)
        await scene.trigger(version=version)
        async with DyingClient(fate, scene.kube) as kube:
            scene.restart(kube, DyingReleases(fate, scene.releases))
            try:
                await scene.look()
            except KilledError:
                struck += 1
        scene.restart()
        for _ in range(2):
            await scene.look()
        assert scene.running() == [(await scene.by_version())[version].name]
        if not fate.struck:
            break

    assert struck >= 6, "Deleting, uninstall, Deleted, record, install and Running are six writes"
    assert len(scene.releases.runs) == len(set(scene.releases.runs)) == struck + 2
    assert all(each.identity.revision == 1 for each in (await scene.by_version()).values())


async def test_a_trigger_that_cannot_be_read_keeps_its_experiments(scene: Scene, api_server: ApiServer) -> None:
    """Refused, nobody knows whether the trigger is there: nothing is deleted, the group says why, it is tried again."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    user = f"controller-{scene.namespace}"
    await allow(scene.kube, user, "autox.dev", "*")
    async with KubeClient(from_kubeconfig(api_server.kubeconfig(user, groups=()))) as limited:
        scene.restart(limited)
        with pytest.raises(AutoxError):
            await scene.look()

    assert len(scene.running()) == 1
    conditions = await scene.conditions()
    assert conditions["TriggerFound"] == ("Unknown", "Forbidden")
    assert conditions["Ready"] == ("False", "Forbidden")
    assert (await scene.status())["trigger"]["version"] == "1"


async def test_a_kind_that_is_not_served_is_no_trigger_that_is_gone(scene: Scene) -> None:
    """Without its definition the server answers 404, too, and that says nothing; defined later, it is tested."""
    plural = f"widgets{scene.namespace[-8:]}"
    widgets = Resource(group="example.com", version="v1", plural=plural, kind="Widget")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    ref = {"group": "example.com", "version": "v1", "resource": plural, "namespace": scene.namespace, "name": "web"}
    await scene.group(trigger=ref)
    with pytest.raises(TransientError):
        await scene.look()
    assert (await scene.conditions())["TriggerFound"] == ("Unknown", "ResourceNotServed")

    await scene.kube.create(DEFINITIONS, definition)
    try:
        labels = {OPT_IN: "true", VERSION: "1"}
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web", "labels": labels}}
        async with asyncio.timeout(20):
            while True:
                try:
                    await scene.kube.create(widgets, widget, namespace=scene.namespace)
                    break
                except NotFoundError:
                    await asyncio.sleep(0.05)
        await scene.look()
        assert len(scene.running()) == 1
    finally:
        await scene.kube.delete(DEFINITIONS, f"{plural}.example.com")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConfigurationError("no such chart", hint="See the list."), "ChartInvalid"),
        (NotOursError("the release is somebody else's"), "ReleaseNotOurs"),
    ],
)
async def test_what_cannot_be_installed_ends_with_an_error(scene: Scene, error: Exception, reason: str) -> None:
    """The record says why, the verdict is Error and never Pass, and it is not tried again until something changes."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    scene.releases.fail_next("install", error)
    scene.now = datetime.now(UTC) + timedelta(minutes=1)
    await scene.look()
    await scene.look()

    (obj,) = await scene.experiments()
    status = obj["status"]
    assert (status["phase"], status["verdict"], status["reason"]) == ("Completed", "Error", reason)
    assert str(error) in status["message"]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Launched": "False", "Completed": "True", "Passed": "False",
    }  # fmt: skip
    assert scene.releases.runs == []
    assert [kind for kind, told, _ in await scene.events("ExperimentGroup") if told == reason] == ["Warning"]

    await scene.trigger(version="2")
    await scene.look()
    assert scene.running() == [(await scene.by_version())["2"].name]
    assert (await scene.by_version())["1"].verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "missing",
    [
        ForbiddenError('jobs.batch is forbidden: User "autox" cannot create resource "jobs"'),
        ForbiddenError('secrets is forbidden: User "autox" cannot list resource "secrets"'),
        ForbiddenError('roles "x" is forbidden: user "autox" is attempting to grant RBAC permissions not held'),
        ForbiddenError('secrets "x" is forbidden: exceeded quota: few'),
    ],
    ids=["a Role that is gone", "Helm's own Secrets", "a right that it would grant", "a quota"],
)
async def test_a_right_that_is_missing_is_waited_for(scene: Scene, missing: ForbiddenError) -> None:
    """It is launched when the right is back; after ten seconds without it the verdict was Error for ever."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    for wait in (0, 40, 3600):
        scene.now = datetime.now(UTC) + timedelta(seconds=wait)
        scene.releases.fail_next("install", missing)
        with pytest.raises(ForbiddenError):
            await scene.look()
        (obj,) = await scene.experiments()
        assert (obj["status"]["phase"], obj["status"]["reason"]) == ("Pending", "Forbidden")
        assert str(missing) in obj["status"]["message"]
        assert "verdict" not in obj["status"]
        assert (await scene.conditions())["Ready"] == ("False", "LaunchFailed")
    told = await scene.events("Experiment")
    assert [kind for kind, reason, _ in told if reason == "Forbidden"] == ["Warning"]
    await scene.look()

    record = (await scene.by_version())["1"]
    assert (record.phase, record.verdict, record.identity.revision) == (Phase.RUNNING, None, 1)


@pytest.mark.parametrize("error", [UnreachableError("cannot reach the registry"), UnauthorizedError("GET secrets")])
async def test_what_fails_for_the_moment_is_tried_again(scene: Scene, error: AutoxError) -> None:
    """The group says why meanwhile; the next look goes on where this one ended."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    scene.releases.fail_next("install", error)
    with pytest.raises(type(error)):
        await scene.look()
    assert (await scene.conditions())["Ready"] == ("False", "LaunchFailed")
    assert (await scene.by_version())["1"].phase is Phase.PENDING
    assert [reason for _, reason, _ in await scene.events("ExperimentGroup")] == ["LaunchFailed"]

    await scene.look()
    assert (await scene.by_version())["1"].phase is Phase.RUNNING
    assert (await scene.conditions())["Ready"][0] == "True"


class SlyClient(KubeClient):
    """A client beside which somebody deletes all records as soon as Jobs are read."""

    async def list(self, resource: Resource, **rest: Any) -> Listing:
        """List, and have the records deleted."""
        found = await super().list(resource, **rest)
        if resource == JOBS:
            for each in (await super().list(EXPERIMENTS, namespace=rest["namespace"])).items:
                await self.delete(EXPERIMENTS, metadata(each)["name"], namespace=rest["namespace"])
        return found


async def test_a_record_that_is_deleted_during_a_look_is_no_trouble(scene: Scene) -> None:
    """Who deletes a record wants the version tested once more, and no warning in the group."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    async with SlyClient(scene.kube.connection) as sly:
        scene.restart(sly)
        await scene.look()

    assert (await scene.conditions())["Ready"] == ("True", "UpToDate")
    scene.restart()
    await scene.look()
    assert len(scene.releases.runs) == 2


async def test_nothing_is_launched_beside_what_could_not_be_deleted(scene: Scene) -> None:
    """While the stale release is there, the new one does not come."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(version="2")
    scene.releases.fail_next("uninstall", UnreachableError("no answer"))
    with pytest.raises(UnreachableError):
        await scene.look()
    records = await scene.by_version()
    assert {version: each.phase for version, each in records.items()} == {"1": Phase.DELETING}
    assert scene.running() == [records["1"].name]

    await scene.look()
    assert scene.running() == [(await scene.by_version())["2"].name]


async def test_a_bad_group_says_what_is_wrong(scene: Scene) -> None:
    """What the schema lets through and makes no sense is in the group's status; mended, it works."""
    bad = {"name": "experiment", "values": {"tasks": ["ready", "nonsense"], "ready": {"deploy": "web"}}}
    await scene.group(specs={"quick": bad})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    conditions = await scene.conditions()
    assert conditions["Stalled"] == ("True", "ConfigurationInvalid")
    message = next(each["message"] for each in (await scene.status())["conditions"] if each["type"] == "Stalled")
    assert "tasks[1]" in message

    await scene.group()
    await scene.look()
    assert len(scene.running()) == 1
    assert (await scene.conditions())["Stalled"] == ("False", "Working")


async def test_a_group_elsewhere_names_triggers_beside_it_only(scene: Scene) -> None:
    """Who may make groups in one namespace must not load the Deployments of another."""
    await scene.group(
        trigger={"group": "apps", "version": "v1", "resource": "deployments", "namespace": "default", "name": "web"}
    )
    await scene.look()

    assert (await scene.conditions())["Stalled"] == ("True", "NamespaceNotAllowed")


async def test_a_trigger_that_cannot_be_watched_is_told(scene: Scene) -> None:
    """The group works as far as it can and says what right is missing."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    (watch,) = scene.groups.watches()
    assert isinstance(watch, TriggerWatch)
    scene.troubles[watch] = WatchTrouble(reason="Forbidden", message="may not watch deployments")
    await scene.look()

    conditions = await scene.conditions()
    assert (conditions["Ready"], conditions["Stalled"]) == (("False", "Forbidden"), ("True", "Forbidden"))
    assert len(scene.running()) == 1


async def test_values_come_from_secrets_and_config_maps(scene: Scene) -> None:
    """Merged in order under the group's own; edited, they make the experiment stale; missing, nothing is deleted."""
    names = {"namespace": scene.namespace, "name": "values"}
    more = "ready: {deploy: other, timeout: 10s}\nrunner: job\n"
    await scene.kube.create(SECRETS, {"metadata": names, "stringData": {"values.yaml": more}})
    await scene.kube.create(CONFIG_MAPS, {"metadata": names, "data": {"more": "ready: {timeout: 20s}"}})
    sources = [{"kind": "Secret", "name": "values"}, {"kind": "ConfigMap", "name": "values", "key": "more"}]
    spec = {"name": "experiment", "values": {"tasks": ["ready"], "ready": {"deploy": "web"}}, "valuesFrom": sources}
    await scene.group(specs={"quick": spec})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    (release,) = scene.releases.installed.values()
    merged = {"tasks": ["ready"], "ready": {"deploy": "web", "timeout": "20s"}, "runner": "job"}
    assert release.values == {**merged, "underTest": UNDER_TEST}

    await scene.kube.apply(
        CONFIG_MAPS, {"metadata": names, "data": {"more": "ready: {timeout: 30s}"}}, field_manager="u"
    )
    await scene.look()
    assert len(scene.releases.runs) == 2
    await scene.kube.delete(SECRETS, "values", namespace=scene.namespace)
    await scene.look()
    assert len(scene.running()) == 1
    assert (await scene.conditions())["Ready"] == ("False", "ValuesMissing")


async def test_values_from_a_map_are_those_that_helm_reads(scene: Scene) -> None:
    """Case 02: text that ``helm -f`` takes was ValuesInvalid, for ``1e1`` was text and ``12:30:00`` a number."""
    names = {"namespace": scene.namespace, "name": "values"}
    text = "http: {url: http://web/, numRequests: 1e1, qps: 2e1, payloadStr: 12:30:00}\n---\nrunner: job\n"
    await scene.kube.create(CONFIG_MAPS, {"metadata": names, "data": {"values.yaml": text}})
    spec = {
        "name": "experiment",
        "values": {"tasks": ["http"]},
        "valuesFrom": [{"kind": "ConfigMap", "name": "values"}],
    }
    await scene.group(specs={"quick": spec})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()

    (release,) = scene.releases.installed.values()
    http = {"url": "http://web/", "numRequests": 10, "qps": 20, "payloadStr": "12:30:00"}
    assert release.values == {"tasks": ["http"], "http": http, "runner": "job", "underTest": UNDER_TEST}


async def test_every_wrong_source_of_values_is_named(scene: Scene) -> None:
    """Whoever mends them mends all at once; only the first of the first spec was told, and then the next, and so on."""
    for name, text in {"list": "[1, 2]", "broken": "{a: b", "fine": "runner: job"}.items():
        names = {"namespace": scene.namespace, "name": name}
        await scene.kube.create(SECRETS, {"metadata": names, "stringData": {"values.yaml": text}})
    sources = [
        {"kind": "Secret", "name": "gone"},
        {"kind": "Secret", "name": "list"},
        {"kind": "ConfigMap", "name": "away", "key": "more"},
        {"kind": "Secret", "name": "fine"},
        {"kind": "Secret", "name": "broken"},
        {"kind": "Secret", "name": "fine", "key": "other"},
    ]
    more = {**READY_WEB, "valuesFrom": [{"kind": "Secret", "name": "lost"}]}
    await scene.group(specs={"quick": {**READY_WEB, "valuesFrom": sources}, "slow": more, "well": READY_WEB})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()

    ready = next(each for each in (await scene.status())["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ValuesMissing")
    for named in ("gone", "list: key values.yaml", "away", "broken: key values.yaml", "no key other", "lost"):
        assert named in ready["message"]
    assert "Its keys are: values.yaml" in ready["message"]
    assert "1, 2" not in ready["message"]
    assert len(scene.running()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[token, hunter2]", "no map"),
        ("{token: hunter2", "not valid YAML"),
        ("token: hunter2", "token"),
        ("a: 1\nhunter2: 2\nhunter2: 3", "line 3, gives a key twice"),
        ("a: 1\nhunter2: .inf", "line 2, is not valid YAML"),
        (BOMB, "holds more than"),
    ],
)
async def test_bad_values_are_told_without_repeating_them(scene: Scene, text: str, said: str) -> None:
    """What stands in a Secret appears nowhere: not in a status, not in an Event."""
    names = {"namespace": scene.namespace, "name": "values"}
    await scene.kube.create(SECRETS, {"metadata": names, "stringData": {"values.yaml": text}})
    await scene.group(specs={"quick": {**READY_WEB, "valuesFrom": [{"kind": "Secret", "name": "values"}]}})
    await scene.trigger(opt_in="true", version="1")
    await scene.look()

    assert scene.running() == []
    status = await scene.status()
    assert (await scene.conditions())["Ready"] == ("False", "ValuesInvalid")
    events = await scene.events("ExperimentGroup")
    assert said in str(status)
    assert "hunter2" not in str(status) + str(events)


async def allow(kube: KubeClient, user: str, group: str, *resources: str, namespace: str = "") -> None:
    """Let a user do everything with these resources, everywhere or in one namespace, and nothing else."""
    rules = [{"apiGroups": [group], "resources": list(resources), "verbs": ["*"]}]
    await kube.apply(CLUSTER_ROLES, {"metadata": {"name": user}, "rules": rules}, field_manager="test")
    binding = {
        "metadata": {"name": user} | ({"namespace": namespace} if namespace else {}),
        "subjects": [{"kind": "User", "name": user, "apiGroup": CLUSTER_ROLES.group}],
        "roleRef": {"kind": "ClusterRole", "name": user, "apiGroup": CLUSTER_ROLES.group},
    }
    await kube.apply(ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS, binding, field_manager="test")
