"""The chart of the controller: what it installs, keeps and brings up to date, and what the controller may do."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from autox.api.crds import crds
from autox.api.experiments import object_from_record
from tests.api.samples import SPEC, VALUES, changed
from tests.api.test_records import RECORD
from tests.charts.rendering import AUTOX, EXPERIMENT, helm, named, rendered
from tests.clusters import LocalCluster, run, wait_for

pytestmark = pytest.mark.integration
Object = dict[str, Any]

ONE_GOES_ONE_COMES = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}

DOCUMENTED = """
--set 'groups.httpbin.trigger.name=httpbin'
--set 'groups.httpbin.trigger.namespace=default'
--set 'groups.httpbin.trigger.group=apps'
--set 'groups.httpbin.trigger.version=v1'
--set 'groups.httpbin.trigger.resource=deployments'
--set 'groups.httpbin.specs.iter8.name=iter8'
--set 'groups.httpbin.specs.iter8.values.tasks={ready,http,assess}'
--set 'groups.httpbin.specs.iter8.values.ready.deploy=httpbin'
--set 'groups.httpbin.specs.iter8.values.ready.service=httpbin'
--set 'groups.httpbin.specs.iter8.values.ready.timeout=60s'
--set 'groups.httpbin.specs.iter8.values.http.url=http://httpbin.default/get'
--set 'groups.httpbin.specs.iter8.values.assess.SLOs.upper.http/latency-mean=50'
--set 'groups.httpbin.specs.iter8.values.assess.SLOs.upper.http/error-count=0'
--set 'groups.httpbin.specs.iter8.version=0.13.0'
--set 'groups.httpbin.specs.iter8.values.runner=job'
"""
"""What the documentation of Iter8 AutoX says, word for word."""


def group(namespace: str, **more: object) -> Object:
    """A group whose trigger is in this namespace."""
    return {**changed(SPEC, "trigger.namespace", namespace), **more}


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """A namespace of the test's own, where the release autox is uninstalled afterwards."""
    name = f"autox-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.helm("uninstall", "autox", "--namespace", name, "--ignore-not-found", "--no-hooks")


def install(cluster: LocalCluster, namespace: str, values: Object, folder: Path) -> None:
    """Install or upgrade the release autox, with no controller running."""
    argv = ("upgrade", "--install", "autox", AUTOX, "--namespace", namespace, "--reset-values")
    done = helm(cluster, *argv, values={**values, "image": {"repository": "absent"}}, folder=folder)
    assert done.code == 0, done.err


def test_documented_command(cluster: LocalCluster, tmp_path: Path) -> None:
    """The documented settings render the group that they describe: 50 is a number, and 0.13.0 a text."""
    objects = rendered(cluster, AUTOX, *shlex.split(DOCUMENTED), values={}, folder=tmp_path)

    assert named(objects, "ExperimentGroup", "httpbin")["spec"] == SPEC


def test_custom_resources_first(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """One command installs the kinds and a group; uninstalling takes the group and leaves the kinds."""
    install(cluster, namespace, {"groups": {"web": group(namespace)}}, tmp_path)
    assert cluster.get("xg", "web", "--namespace", namespace)["spec"]["trigger"]["namespace"] == namespace
    assert cluster.helm("uninstall", "autox", "--namespace", namespace, "--no-hooks").code == 0

    assert cluster.get("xg", "--namespace", namespace)["items"] == []
    assert cluster.get("crd", "experiments.autox.dev")["spec"]["names"]["shortNames"] == ["xp"]


def test_custom_resources_are_upgraded(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """An upgrade of the chart brings the kinds up to date, and no object is lost on the way."""
    values = {"groups": {"web": group(namespace)}}
    # NB: tests of other folders may have made the kinds by themselves, which Helm then does not own alone.
    cluster.kubectl("delete", *(f"crd/{each['metadata']['name']}" for each in crds()), "--ignore-not-found")
    install(cluster, namespace, values, tmp_path)
    before = cluster.get("xg", "web", "--namespace", namespace)["metadata"]["uid"]
    [older, _] = crds()
    older["spec"]["names"]["categories"] = ["older"]
    # As the chart of an earlier version left it.
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-")
    cluster.kubectl(*apply, stdin=json.dumps(older))
    install(cluster, namespace, values, tmp_path)

    assert cluster.get("crd", older["metadata"]["name"])["spec"]["names"]["categories"] == ["autox"]
    assert cluster.get("xg", "web", "--namespace", namespace)["metadata"]["uid"] == before


OWNERS = {
    "kubectl apply": (("apply",), "kubectl-client-side-apply"),
    "kubectl create": (("create",), "kubectl-create"),
    # What Helm 3 writes: the same field manager, by updates.
    "Helm 3": (("create", "--field-manager=helm"), "helm"),
}


@pytest.mark.parametrize("way", OWNERS)
def test_custom_resources_of_others(cluster: LocalCluster, namespace: str, tmp_path: Path, way: str) -> None:
    """Definitions that others made are given to Helm by the command that an upgrade tells; it failed for ever."""
    values = {"groups": {"web": group(namespace)}}
    make, manager = OWNERS[way]
    names = [f"crd/{each['metadata']['name']}" for each in crds()]
    cluster.kubectl("delete", *names, "--ignore-not-found")
    cluster.kubectl(*make, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds()}))
    cluster.kubectl("wait", "--for=condition=Established", *names)
    install(cluster, namespace, values, tmp_path)
    # As if that had been the definitions of an earlier version.
    older = '{"spec": {"names": {"categories": ["older"]}}}'
    cluster.kubectl("patch", *names, "--type=merge", f"--field-manager={manager}", "-p", older)
    before = cluster.get("xg", "web", "--namespace", namespace)["metadata"]["uid"]
    refused = cluster.helm("upgrade", "autox", AUTOX, "--namespace", namespace, "--reuse-values")
    assert refused.code != 0
    assert "which Helm alone does not own" in refused.err
    [command] = [line for line in refused.err.splitlines() if line.startswith("  kubectl patch")]
    cluster.kubectl(*shlex.split(command)[1:])
    install(cluster, namespace, values, tmp_path)

    for each in names:
        assert cluster.get(each)["spec"]["names"]["categories"] == ["autox"]
    assert cluster.get("xg", "web", "--namespace", namespace)["metadata"]["uid"] == before


def test_deployment(cluster: LocalCluster, tmp_path: Path) -> None:
    """One controller at a time, without privileges, probed where it listens, with a place to write."""
    spec = named(rendered(cluster, AUTOX, values={}, folder=tmp_path), "Deployment", "trial")["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    env = {each["name"]: each for each in container["env"]}

    assert (spec["replicas"], spec["strategy"]) == (1, ONE_GOES_ONE_COMES)
    assert container["args"] == [
        "controller",
        "--listen=$(POD_IP):8081",
        "--namespace=$(POD_NAMESPACE)",
        f"--experiment-image={container['image']}",
        "--experiment-pull-policy=IfNotPresent",
    ]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert container["ports"] == [{"name": "health", "containerPort": 8081}]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"]

    [mount] = container["volumeMounts"]
    homes = ("HOME", "TMPDIR", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
    assert all(env[home]["value"].startswith(mount["mountPath"]) for home in homes)


def test_replicas_stand_by(cluster: LocalCluster, tmp_path: Path) -> None:
    """Of two controllers one is there at each moment of an upgrade."""
    made = rendered(cluster, AUTOX, values={"replicas": 2}, folder=tmp_path)
    spec = named(made, "Deployment", "trial")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (2, ONE_GOES_ONE_COMES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"replicas": 2}, {"replicas": 1}, id="fewer"),
        pytest.param({"replicas": 1}, {"replicas": 3}, id="more"),
        pytest.param(None, {"replicas": 1}, id="one, from a chart that made it Recreate"),
        pytest.param(None, {"replicas": 2}, id="two, from a chart that made it Recreate"),
    ],
)
def test_the_number_of_replicas_can_be_changed(
    cluster: LocalCluster, namespace: str, tmp_path: Path, before: Object | None, after: Object
) -> None:
    """Going from two replicas to one was refused for ever: rollingUpdate may not be specified with Recreate."""
    for values in (before, after):
        made = named(rendered(cluster, AUTOX, values=values or {}, folder=tmp_path), "Deployment", "trial")
        made["spec"] |= {"paused": True} | ({"strategy": {"type": "Recreate"}} if values is None else {})
        command = ("apply", "--server-side", "--field-manager=helm", "--namespace", namespace, "-f", "-")
        cluster.kubectl(*command, stdin=json.dumps(made))

    spec = cluster.get("deployment", "trial", "--namespace", namespace)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (after["replicas"], ONE_GOES_ONE_COMES)


def test_installed(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """The controller comes up with the rights that it is given, finds its group in order, and `helm test` passes."""
    values = {"groups": {"web": group(namespace)}}
    done = helm(cluster, "install", "autox", AUTOX, "--namespace", namespace, values=values, folder=tmp_path)
    assert done.code == 0, done.err
    cluster.kubectl("create", "deployment", "httpbin", "--image=absent", "--replicas=0", "--namespace", namespace)
    cluster.kubectl("rollout", "status", "deployment/autox", "--namespace", namespace, "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Ready", "xg/web", "--namespace", namespace, "--timeout=60s")
    tested = cluster.helm("test", "autox", "--namespace", namespace)

    assert tested.code == 0, tested.err


def test_accepted(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """The API server accepts everything that is rendered, and knows every field of it."""
    source = [{"kind": "Secret", "name": "tokens"}, {"kind": "ConfigMap", "name": "values"}]
    values = {"groups": {"web": changed(group(namespace), "specs.iter8.valuesFrom", source)}}
    objects = rendered(cluster, AUTOX, "--namespace", namespace, values=values, folder=tmp_path)
    listing = {"apiVersion": "v1", "kind": "List", "items": objects}
    for crd in crds():
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(crd))
    # What the pod of `helm test` runs as; nothing looks for it in the other objects.
    cluster.kubectl("create", "serviceaccount", "trial", "--namespace", namespace)

    cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f", "-"),
        stdin=json.dumps(listing),
    )


def test_custom_resource_as_trigger(cluster: LocalCluster, tmp_path: Path) -> None:
    """Any resource may be watched, and exactly that one, in the trigger's namespace only."""
    trigger = {"group": "example.com", "version": "v1beta1", "resource": "widgets", "namespace": "team", "name": "w"}
    objects = rendered(cluster, AUTOX, values={"groups": {"w": {**SPEC, "trigger": trigger}}}, folder=tmp_path)
    [role] = [each for each in objects if each["kind"] == "Role" and each["metadata"].get("namespace") == "team"]

    assert role["rules"][0] == {
        "apiGroups": ["example.com"],
        "resources": ["widgets"],
        "verbs": ["get", "list", "watch"],
    }
    others = json.dumps([each for each in objects if each["kind"] in ("Role", "ClusterRole") and each is not role])
    assert "widgets" not in others


def test_groups_do_not_collide(cluster: LocalCluster, tmp_path: Path) -> None:
    """Two groups on one trigger have each their own Role, which comes and goes with the group."""
    objects = rendered(cluster, AUTOX, values={"groups": {"a": SPEC, "b": SPEC}}, folder=tmp_path)
    roles = [each["metadata"]["name"] for each in objects if each["kind"] == "Role"]

    assert sorted(roles) == ["autox", "autox:a", "autox:b", "trial-retire"]


def test_one_for_a_cluster(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """Two controllers would both see to all groups: a second release is refused, and told where the first is."""
    install(cluster, namespace, {}, tmp_path)
    second = f"{namespace}-second"
    cluster.kubectl("create", "namespace", second)
    done = helm(cluster, "install", "another", AUTOX, "--namespace", second, values={}, folder=tmp_path)

    assert done.code != 0
    assert f"autox is installed already, as release autox in namespace {namespace}" in done.err


def test_whole_cluster_rights(cluster: LocalCluster, tmp_path: Path) -> None:
    """Across namespaces the controller may see its own kinds, write groups' status, and see namespaces of triggers."""
    objects = rendered(cluster, AUTOX, values={"groups": {"a": SPEC}}, folder=tmp_path)
    *rules, last = named(objects, "ClusterRole", "autox")["rules"]

    assert last == {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["default"], "verbs": ["get"]}
    assert {group for rule in rules for group in rule["apiGroups"]} == {"autox.dev"}
    writable = [resource for rule in rules for resource in rule["resources"] if {"patch", "update"} & {*rule["verbs"]}]
    assert writable == ["experimentgroups/status"]


def test_rights(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """The controller may launch beside the trigger and read the values it is told of; triggers it may not write."""
    spec = changed(group(namespace), "specs.iter8.valuesFrom", [{"kind": "ConfigMap", "name": "values"}])
    install(cluster, namespace, {"groups": {"web": spec}}, tmp_path)
    account = ("--as", f"system:serviceaccount:{namespace}:autox")

    def may(verb: str, what: str, where: str = namespace, *more: str) -> bool:
        argv = ("kubectl", "auth", "can-i", verb, what, "--namespace", where, *more, *account)
        return run(*argv, environ=cluster.with_programs()).out.strip() == "yes"

    assert may("watch", "deployments.apps")
    assert may("create", "experiments.autox.dev")
    assert may("patch", "experiments.autox.dev", namespace, "--subresource=status")
    assert may("patch", "experimentgroups.autox.dev", namespace, "--subresource=status")
    assert may("watch", "experimentgroups.autox.dev", "default")
    assert may("get", "configmaps/values")
    assert may("update", "leases.coordination.k8s.io/autox-controller")
    assert not may("update", "leases.coordination.k8s.io/kube-scheduler")
    assert not may("watch", "secrets")
    for verb in ("create", "update", "patch", "delete"):
        assert not may(verb, "deployments.apps")
        assert not may(verb, "experimentgroups.autox.dev")
        assert not may(verb, "customresourcedefinitions.apiextensions.k8s.io")
    assert not may("get", "configmaps/others")
    assert not may("get", "secrets", "default")
    assert not may("create", "jobs.batch", "default")
    assert not may("list", "deployments.apps", "default")


def test_users(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """Who may view a namespace sees groups and experiments there, and who may edit it changes them; nobody could."""
    install(cluster, namespace, {}, tmp_path)
    for role in ("view", "edit"):
        binding = ("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er")
        cluster.kubectl(*binding, "--namespace", namespace)

    def may(user: str, verb: str, what: str, where: str = namespace, *more: str) -> bool:
        argv = ("kubectl", "auth", "can-i", verb, f"{what}.autox.dev", "--namespace", where, f"--as={user}", *more)
        return run(*argv, environ=cluster.with_programs()).out.strip() == "yes"

    wait_for("the roles to be aggregated", lambda: may("viewer", "list", "experiments"))
    wait_for("the roles to be aggregated", lambda: may("editer", "create", "experimentgroups"))
    assert may("viewer", "get", "experimentgroups")
    assert may("editer", "watch", "experiments")
    assert may("editer", "delete", "experiments")
    # What `autox retest` does: it was Forbidden.
    assert may("editer", "patch", "experiments")
    assert not may("viewer", "patch", "experiments")
    assert not may("editer", "patch", "experiments", namespace, "--subresource=status")
    assert not may("viewer", "delete", "experiments")
    assert not may("viewer", "create", "experimentgroups")
    assert not may("editer", "create", "experiments")
    assert not may("editer", "patch", "experimentgroups", "default")


def test_launching(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """With these rights, and no others, the chart of an experiment can be installed and uninstalled."""
    elsewhere = f"{namespace}-elsewhere"
    cluster.kubectl("create", "namespace", elsewhere)
    other = {"version": "v1", "resource": "configmaps", "name": "flags"}
    experiment = changed(changed(VALUES, "ready.namespace", elsewhere), "ready.objects", [other])
    experiment = {**changed(experiment, "http.url", f"http://web.{namespace}/"), "runner": "cronjob"}
    experiment["cronjobSchedule"] = "0 0 1 1 *"
    install(
        cluster, namespace, {"groups": {"web": changed(group(namespace), "specs.iter8.values", experiment)}}, tmp_path
    )
    account = ("--namespace", namespace, "--kube-as-user", f"system:serviceaccount:{namespace}:autox")
    done = helm(cluster, "install", "launched", EXPERIMENT, *account, values=experiment, folder=tmp_path)

    assert done.code == 0, done.err
    assert cluster.helm("uninstall", "launched", *account).code == 0


def test_no_escalation(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """What a group does not ask for, its experiments cannot be granted."""
    install(cluster, namespace, {"groups": {"web": group(namespace)}}, tmp_path)
    values = changed(VALUES, "ready.objects", [{"version": "v1", "resource": "configmaps", "name": "flags"}])
    account = ("--namespace", namespace, "--kube-as-user", f"system:serviceaccount:{namespace}:autox")
    done = helm(cluster, "install", "launched", EXPERIMENT, *account, values=values, folder=tmp_path)

    assert done.code != 0
    assert "attempting to grant RBAC permissions not currently held" in done.err


def test_rules_for_other_charts(cluster: LocalCluster, tmp_path: Path) -> None:
    """What a chart from elsewhere needs can be added for the namespaces of triggers."""
    rule = {"apiGroups": ["k6.io"], "resources": ["testruns"], "verbs": ["create", "get", "delete"]}
    values = {"groups": {"a": SPEC}, "rbac": {"extraRules": [rule]}}
    objects = rendered(cluster, AUTOX, "--namespace", "autox", values=values, folder=tmp_path)

    assert named(objects, "Role", namespace="default")["rules"][-1] == rule
    assert rule not in named(objects, "ClusterRole", "autox")["rules"]


def test_group_removed(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """When a group goes, the rights to remove its experiments stay until there are none, and then go too."""
    install(cluster, namespace, {"groups": {"httpbin": group(namespace)}}, tmp_path)
    record = object_from_record(RECORD)
    record["metadata"]["namespace"] = namespace
    record["spec"]["group"]["namespace"] = namespace
    cluster.apply(record)
    role = "autox:httpbin"

    def roles() -> set[str]:
        return {each["metadata"]["name"] for each in cluster.get("roles", "--namespace", namespace)["items"]}

    install(cluster, namespace, {}, tmp_path)
    assert role in roles()
    assert cluster.get("xg", "--namespace", namespace)["items"] == []
    ended = '{"status": {"phase": "Deleted"}}'
    cluster.kubectl(
        *("patch", "xp", RECORD.name, "--namespace", namespace, "--subresource=status", "--type=merge", "-p", ended)
    )
    install(cluster, namespace, {}, tmp_path)
    assert role not in roles()


def test_rights_after_a_new_installation(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """An autox that is installed anew may remove what the one before has left; it was refused with every retry."""
    places = {kind: f"{namespace}-{kind}" for kind in ("moved", "gone", "ended", "theirs")}
    for place in places.values():
        cluster.kubectl("create", "namespace", place)
    install(cluster, namespace, {}, tmp_path)
    cluster.helm("uninstall", "autox", "--namespace", namespace, "--no-hooks")
    groups = {"moved": namespace, "gone": "nowhere", "ended": namespace, "theirs": places["theirs"]}
    mine = {**group(places["theirs"]), "specs": SPEC["specs"]}
    names = {"name": "theirs", "namespace": places["theirs"]}
    cluster.apply({"apiVersion": "autox.dev/v1alpha1", "kind": "ExperimentGroup", "metadata": names, "spec": mine})
    for kind, of in groups.items():
        record = object_from_record(RECORD)
        record["metadata"]["namespace"] = places[kind]
        record["spec"]["trigger"]["namespace"] = places[kind]
        record["spec"]["group"] = {"namespace": of, "name": kind}
        cluster.apply(record)
    ended = '{"status": {"phase": "Deleted"}}'
    there = ("--namespace", places["ended"], "--subresource=status", "--type=merge", "-p", ended)
    cluster.kubectl("patch", "xp", RECORD.name, *there)

    def roles() -> set[str]:
        found = cluster.get("roles", "--all-namespaces")["items"]
        return {each["metadata"]["name"] for each in found if each["metadata"]["namespace"] in places.values()}

    for _ in range(2):
        install(cluster, namespace, {"groups": {"moved": group(namespace)}}, tmp_path)
        assert roles() == {"autox:moved", "autox:gone"}
    cluster.kubectl("delete", "xp,xg", "--all", "--namespace", places["theirs"])


@pytest.mark.parametrize(
    ("values", "is_there"),
    [
        ({"groups": {"web": SPEC, "b": SPEC}}, True),
        ({"groups": {"web": SPEC}, "keepExperiments": False}, True),
        ({"groups": {"web": SPEC}, "keepExperiments": True}, False),
        ({}, False),
    ],
    ids=["by default", "said", "kept", "nothing to end"],
)
def test_uninstalling_ends_what_runs(cluster: LocalCluster, tmp_path: Path, values: Object, *, is_there: bool) -> None:
    """What a release runs is ended before it goes, by a hook that may delete its groups and nothing else."""
    done = helm(cluster, "template", "trial", AUTOX, values=values, folder=tmp_path)
    made = [each for each in yaml.safe_load_all(done.out) if each and each["metadata"]["name"] == "trial-retire"]
    assert {each["kind"] for each in made} == ({"Role", "RoleBinding", "Job"} if is_there else set())
    assert all(each["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete" for each in made)
    for role in (each for each in made if each["kind"] == "Role"):
        (rule,) = role["rules"]
        assert (rule["verbs"], rule["resourceNames"]) == (["delete"], sorted(values["groups"]))


def test_image_of_experiments(cluster: LocalCluster, tmp_path: Path) -> None:
    """Experiments run the controller's image, wherever that comes from; an upgrade that sets it tests nothing again."""
    image = {"repository": "registry.example:5000/autox", "tag": "1.1", "pullPolicy": "Always"}
    before = rendered(cluster, AUTOX, values={"groups": {"a": SPEC}}, folder=tmp_path)
    after = rendered(cluster, AUTOX, values={"groups": {"a": SPEC}, "image": image}, folder=tmp_path)
    [container] = named(after, "Deployment")["spec"]["template"]["spec"]["containers"]

    assert container["args"][3:] == [
        "--experiment-image=registry.example:5000/autox:1.1",
        "--experiment-pull-policy=Always",
    ]
    assert named(before, "ExperimentGroup", "a") == named(after, "ExperimentGroup", "a")


def test_notes(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """Helm ends by saying what to label, in a command that can be pasted, and where to look."""
    values = {"groups": {"web": group(namespace), "again": group(namespace)}, "image": {"repository": "absent"}}
    done = helm(cluster, "install", "autox", AUTOX, "--namespace", namespace, values=values, folder=tmp_path)

    command = (
        f"  kubectl label --overwrite --namespace {namespace} deployments.v1.apps/httpbin \\\n"
        "    iter8.tools/autox=true app.kubernetes.io/version=VERSION\n"
    )
    assert done.out.count(command) == done.out.count("kubectl label") == 1
    assert "kubectl get experiments --all-namespaces" in done.out
    assert "autox why" in done.out
