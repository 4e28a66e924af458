"""The chart of virtual nodes: what its agents run as, where cluster B's credentials are, and what these allow."""

import asyncio
import base64
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from signal import SIGTERM
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
import yaml

from autox.api.nodeschart import NodesChartValues
from autox.api.stages import load_stages
from autox.cluster.binaries.tools import Tool
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.nodes import NODE_LEASE_SECONDS
from autox.model.refs import NAMESPACES, PODS
from autox.nodes.services.addresses import loopback
from tests.api.samples import changed
from tests.charts.rendering import ROOT, Object, helm, named, rendered
from tests.clusters import LocalCluster, run, wait_for
from tests.kube.apiserver import program
from tests.mock.agents import AgentProcess, eventually
from tests.mock.test_faithful import Audited
from tests.mock.test_serving_pods import all_in, bind_many, gone, names

pytestmark = pytest.mark.integration

CHART = str(ROOT / "charts" / "nodes")
AGENTS: Object = {"kubeconfigSecret": "cluster-b"}
IDENTITY: Object = {"install": "identity", "server": "https://10.0.0.1:6443"}
STAGE: Object = {"name": "slow", "from": ["ContainerCreating"], "to": "Starting", "delaySeconds": 2.5}
STAGES: Object = {"seed": 2**53 - 1, "stages": [STAGE]}
OUTAGE: Object = {"name": "rack", "intervalSeconds": 60, "durationSeconds": 5}
LEASES = {"nodeLeaseDurationSeconds": 4}
"""So that they are renewed within a second."""
ACCOUNT = "system:serviceaccount:default:"
NODE_RULES = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["create", "get", "list", "watch", "patch"]},
    {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "delete"]},
]


def test_agents(cluster: LocalCluster, tmp_path: Path) -> None:
    """As many agents as asked for, all at once, each with nodes named after its own ordinal."""
    values = {**AGENTS, "replicas": 3, "nodesPerReplica": 50, "namePrefix": "crowd-", "mode": "faithful"}
    spec = named(rendered(cluster, CHART, values=values, folder=tmp_path), "StatefulSet", "trial")["spec"]
    [container] = spec["template"]["spec"]["containers"]

    assert (spec["replicas"], spec["podManagementPolicy"]) == (3, "Parallel")
    assert container["args"] == [
        "nodes",
        "run",
        "--count=50",
        "--name-prefix=crowd-$(POD_INDEX)-",
        "--index=$(POD_INDEX)",
        "--mode=faithful",
        "--kubeconfig=/etc/autox/cluster/kubeconfig",
        "--no-exec",
        "--listen=[$(POD_IP)]:8082",
    ]
    assert {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container["env"]} == {
        "POD_INDEX": "metadata.labels['apps.kubernetes.io/pod-index']",
        "POD_IP": "status.podIP",
    }


def test_a_program_for_credentials_is_allowed_on_purpose(cluster: LocalCluster, tmp_path: Path) -> None:
    """Agents ran whatever the kubeconfig in their Secret named; an agent that may is told nothing."""
    objects = rendered(cluster, CHART, values={**AGENTS, "allowExec": True}, folder=tmp_path)
    [container] = named(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]

    assert "--no-exec" not in container["args"]


def test_health(cluster: LocalCluster, tmp_path: Path) -> None:
    """An agent whose leases run out is shown as not ready, and never started again for it."""
    spec = named(rendered(cluster, CHART, values=AGENTS, folder=tmp_path), "StatefulSet")["spec"]["template"]["spec"]
    [container] = spec["containers"]
    [port] = container["ports"]

    assert port == {"name": "metrics", "containerPort": 8082}
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert not {"livenessProbe", "startupProbe"} & container.keys()


@pytest.mark.parametrize("seconds", [4, 10, NODE_LEASE_SECONDS, 3_600])
def test_lease_duration(cluster: LocalCluster, tmp_path: Path, seconds: int) -> None:
    """Leases last as long as asked for; an agent that knows no such flag runs as long as nobody asks."""
    values = {**AGENTS, "nodeLeaseDurationSeconds": seconds}
    spec = named(rendered(cluster, CHART, values=values, folder=tmp_path), "StatefulSet")["spec"]["template"]["spec"]
    given = [each for each in spec["containers"][0]["args"] if each.startswith("--node-lease-duration-seconds")]

    assert given == ([] if seconds == NODE_LEASE_SECONDS else [f"--node-lease-duration-seconds={seconds}"])


def test_no_privileges(cluster: LocalCluster, tmp_path: Path) -> None:
    """An agent has no rights on its host and none in its own cluster, and never runs on a node that only says so."""
    spec = named(rendered(cluster, CHART, values=AGENTS, folder=tmp_path), "StatefulSet")["spec"]["template"]["spec"]
    [container] = spec["containers"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert container["resources"]["limits"].keys() == {"memory"}
    node = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    [term] = node["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "autox.dev/provider", "operator": "NotIn", "values": ["mock"]}]


def test_credentials_are_in_the_mount_alone(cluster: LocalCluster, tmp_path: Path) -> None:
    """The other cluster's kubeconfig is a file of a Secret that is there already, for its owner and group to read."""
    objects = rendered(cluster, CHART, values={**AGENTS, "stages": STAGES}, folder=tmp_path)
    spec = named(objects, "StatefulSet")["spec"]["template"]["spec"]
    [container] = spec["containers"]
    [volume] = [each for each in spec["volumes"] if "secret" in each]
    [mount] = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]

    assert sorted(each["kind"] for each in objects) == ["ConfigMap", "StatefulSet"]
    assert json.dumps(objects).count("cluster-b") == 1
    assert volume["secret"] == {
        "secretName": "cluster-b",
        "defaultMode": 0o440,
        "items": [{"key": "kubeconfig", "path": "kubeconfig"}],
    }
    assert mount["readOnly"] is True


def test_stages(cluster: LocalCluster, tmp_path: Path) -> None:
    """Stages come to the agents as they were given, large numbers too, and another table restarts them."""
    objects = rendered(cluster, CHART, values={**AGENTS, "stages": STAGES}, folder=tmp_path)
    others = rendered(cluster, CHART, values={**AGENTS, "stages": {**STAGES, "seed": 8}}, folder=tmp_path)
    one, other = (named(each, "StatefulSet")["spec"]["template"] for each in (objects, others))
    given, received = tmp_path / "given.yaml", tmp_path / "received.yaml"
    given.write_text(json.dumps(STAGES))
    received.write_text(named(objects, "ConfigMap")["data"]["stages.yaml"])

    assert load_stages(received) == load_stages(given)
    assert "--stages=/etc/autox/stages/stages.yaml" in one["spec"]["containers"][0]["args"]
    assert one["metadata"]["annotations"] != other["metadata"]["annotations"]


@pytest.mark.parametrize(
    "values",
    [
        {**AGENTS, "stages": STAGES},
        {**AGENTS, "replicas": 1_000, "nodesPerReplica": 10_000},
        IDENTITY,
        {**IDENTITY, "mode": "faithful"},
        {**IDENTITY, "mode": "faithful", "replicas": 2, "nodesPerReplica": 10_000},
    ],
)
def test_accepted(cluster: LocalCluster, tmp_path: Path, values: Object) -> None:
    """The API server accepts everything that is rendered, and knows every field of it."""
    objects = rendered(cluster, CHART, values=values, folder=tmp_path)
    listing = {"apiVersion": "v1", "kind": "List", "items": objects}

    cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"), stdin=json.dumps(listing)
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {**AGENTS, "namePrefix": "crowd-"},
            ["get nodes --selector autox.dev/provider=mock", "autox nodes remove --name-prefix crowd-"],
        ),
        (IDENTITY, ["go-template-file=charts/nodes/kubeconfig.gotemplate", "kubeconfigSecret=cluster-b"]),
    ],
)
def test_notes(cluster: LocalCluster, tmp_path: Path, values: Object, told: list[str]) -> None:
    """Whoever installs a half is told what comes next: the other half, or how to watch and to remove the nodes."""
    done = helm(cluster, "install", "trial", CHART, "--dry-run=client", values=values, folder=tmp_path)

    assert done.code == 0, done.err
    assert [each for each in told if each not in done.out] == []


@pytest.fixture(scope="module")
def refusing(cluster: LocalCluster) -> Iterator[LocalCluster]:
    """The cluster, on which there is no release after all refusals."""
    yield cluster
    assert cluster.helm("status", "refused").code != 0


def test_defaults_are_those_of_the_schema(cluster: LocalCluster) -> None:
    """What values.yaml says of a value that is left out is what the schema takes it for."""
    shown = yaml.safe_load(cluster.helm("show", "values", CHART).out)
    given = {key: value for key, value in shown.items() if key != "resources"}

    assert NodesChartValues.model_validate_json(json.dumps(given)) == NodesChartValues()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "kubeconfigSecret"),
        ({"install": "identity"}, "server"),
        ({**AGENTS, "install": "both"}, "/install"),
        ({"kubeconfigSecret": 5}, "--set-string"),
        ({"kubeconfigSecret": "Cluster_B"}, "/kubeconfigSecret"),
        ({**AGENTS, "kubeconfig": "apiVersion: v1"}, "kubeconfig"),
        ({**AGENTS, "replicas": -1}, "/replicas"),
        ({**AGENTS, "replicas": 1.5}, "/replicas"),
        ({**AGENTS, "nodesPerReplica": 0}, "/nodesPerReplica"),
        ({**AGENTS, "nodesPerReplica": "100"}, "/nodesPerReplica"),
        ({**AGENTS, "nodesPerReplica": 10_001}, "/nodesPerReplica"),
        ({**AGENTS, "namePrefix": ""}, "/namePrefix"),
        ({**AGENTS, "namePrefix": "Virtual-"}, "/namePrefix"),
        ({**AGENTS, "namePrefix": "ü-"}, "/namePrefix"),
        ({**AGENTS, "namePrefix": "$(HOME)"}, "/namePrefix"),
        ({**AGENTS, "namePrefix": "v" * 56}, "/namePrefix"),
        ({**AGENTS, "mode": "fast"}, "/mode"),
        ({**AGENTS, "nodeLeaseDurationSeconds": 3}, "/nodeLeaseDurationSeconds"),
        ({**AGENTS, "nodeLeaseDurationSeconds": 3_601}, "/nodeLeaseDurationSeconds"),
        ({**AGENTS, "nodeLeaseDurationSeconds": 7.5}, "/nodeLeaseDurationSeconds"),
        ({**AGENTS, "image": "autox:1"}, "/image"),
        ({**AGENTS, "stages": "seed: 7"}, "/stages"),
        ({**AGENTS, "stages": {"seeds": 7}}, "seeds"),
        ({**AGENTS, "stages": {"seed": 2**53}}, "/stages/seed"),
        ({**AGENTS, "stages": {"stages": [changed(STAGE, "probability", 1.1)]}}, "/stages/stages/0/probability"),
        ({**AGENTS, "stages": {"stages": [changed(STAGE, "to", "Runing")]}}, "/stages/stages/0/to"),
        ({**AGENTS, "stages": {"stages": [changed(STAGE, "from", [])]}}, "/stages/stages/0/from"),
        ({**AGENTS, "stages": {"outages": [changed(OUTAGE, "share", 2)]}}, "/stages/outages/0/share"),
        ({**AGENTS, "mode": "faithful", "replicas": 3, "nodesPerReplica": 7_000}, "nodesPerReplica"),
        ({**IDENTITY, "mode": "faithful", "replicas": 3, "nodesPerReplica": 7_000}, "nodesPerReplica"),
        ({**IDENTITY, "server": "http://10.0.0.1:6443"}, "/server"),
        ({**IDENTITY, "server": 'https://10.0.0.1"'}, "/server"),
        ({**IDENTITY, "server": "https://user@10.0.0.1"}, "/server"),
    ],
)
def test_mistakes(refusing: LocalCluster, tmp_path: Path, values: Object, told: str) -> None:
    """`helm install` refuses what makes no sense, and names the field."""
    done = helm(refusing, "install", "refused", CHART, values=values, folder=tmp_path)

    assert done.code != 0
    assert told in done.err


def test_release_name(cluster: LocalCluster, tmp_path: Path) -> None:
    """A release name whose pods could not be labelled is refused; the longest other one is not."""
    done = helm(cluster, "template", "x" * 53, CHART, values=AGENTS, folder=tmp_path)

    assert done.code != 0
    assert "52 characters" in done.err
    assert helm(cluster, "template", "x" * 52, CHART, values=AGENTS, folder=tmp_path).code == 0


def test_each_agent_has_the_nodes_of_its_ordinal(cluster: LocalCluster, tmp_path: Path) -> None:
    """Two agents on a process node are nodes of two prefixes, listen at two addresses, and wait for their cluster."""
    namespace = f"nodes-{uuid4().hex[:8]}"
    absent = _kubeconfig("https://127.0.0.1:1", token="none", authority=b"")
    cluster.kubectl("create", "namespace", namespace)
    create = ("create", "secret", "generic", "cluster-b", "--from-file=kubeconfig=/dev/stdin")
    cluster.kubectl(*create, "--namespace", namespace, stdin=json.dumps(absent))
    values = {**AGENTS, "replicas": 2, "nodesPerReplica": 3, "stages": STAGES, "nodeLeaseDurationSeconds": 8}
    done = helm(cluster, "install", "crowd", CHART, "--namespace", namespace, values=values, folder=tmp_path)
    assert done.code == 0, done.err
    try:
        for ordinal in range(2):
            logs = ("logs", f"crowd-{ordinal}", "--namespace", namespace, "--ignore-errors")
            pod = ("pod", f"crowd-{ordinal}", "--namespace", namespace)
            wait_for("the pod", partial(cluster.kubectl, "get", *pod, "--ignore-not-found"))
            cluster.kubectl("wait", *pod, "--for=condition=Ready", "--timeout=60s")
            wait_for("a try", partial(_tells, cluster, f"node virtual-{ordinal}-0 is not registered yet", *logs))
            address = cluster.get(*pod)["status"]["podIP"]
            with urlopen(f"http://{loopback(address)}:8082/metrics") as answer:
                assert b"autox_nodes_wanted 3\n" in answer.read()
    finally:
        cluster.helm("uninstall", "crowd", "--namespace", namespace, "--wait")


def _tells(cluster: LocalCluster, what: str, *logs: str) -> bool:
    return what in cluster.kubectl(*logs)


def test_rights_of_the_cheap_mode(cluster: LocalCluster, tmp_path: Path) -> None:
    """The identity may keep nodes and pods as they are, and leases in the namespace of node leases: nothing else."""
    objects = rendered(cluster, CHART, values=IDENTITY, folder=tmp_path)
    role = named(objects, "Role")
    granted = [each["roleRef"]["name"] for each in objects if "roleRef" in each]

    assert named(objects, "ClusterRole")["rules"] == NODE_RULES
    assert role["metadata"]["namespace"] == "kube-node-lease"
    assert role["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]}
    ]
    assert granted == ["autox-nodes:default:trial"] * 2


def test_rights_of_the_faithful_mode(cluster: LocalCluster, tmp_path: Path) -> None:
    """The identity may act as each of its nodes in the group of nodes, and as nobody else; alone it may do nothing."""
    values = {**IDENTITY, "mode": "faithful", "replicas": 2, "nodesPerReplica": 2, "namePrefix": "true-"}
    objects = rendered(cluster, CHART, values=values, folder=tmp_path)
    groups, users = named(objects, "ClusterRole")["rules"]

    assert groups == _impersonating("groups", "system:nodes")
    assert users == _impersonating("users", *(f"system:node:true-{name}" for name in ("0-0", "0-1", "1-0", "1-1")))
    assert [each["kind"] for each in objects if "Role" in each["kind"]] == ["ClusterRole", "ClusterRoleBinding"]


def test_no_nodes_no_rights(cluster: LocalCluster, tmp_path: Path) -> None:
    """With no replicas there is nobody to act as: an empty list of names would mean everybody."""
    values = {**IDENTITY, "mode": "faithful", "replicas": 0}
    rules = named(rendered(cluster, CHART, values=values, folder=tmp_path), "ClusterRole")["rules"]

    assert rules == [_impersonating("groups", "system:nodes")]


def _impersonating(kind: str, *who: str) -> Object:
    return {"apiGroups": [""], "resources": [kind], "resourceNames": list(who), "verbs": ["impersonate"]}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """An API server that writes down every request, gone when these tests are."""
    server = Audited(tmp_path_factory.mktemp("audited"))
    server.begin()
    yield server
    server.stop()


@pytest.mark.parametrize("mode", ["cheap", "faithful"])
async def test_rights_are_enough(audited: Audited, tmp_path: Path, mode: str) -> None:
    """An agent with the identity that the chart makes keeps its nodes, leases and pods, and is refused nothing."""
    admin = audited.kubeconfig()
    release, prefix = f"nodes-{mode}", f"{mode}-"
    values = {"mode": mode, "nodesPerReplica": 4, "namePrefix": prefix, "server": audited.url}
    settings = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    async with KubeClient(from_kubeconfig(admin)) as kube:
        for namespace in ("default", "kube-node-lease"):
            await eventually(partial(_is_there, kube, namespace))
        installing = ("install", release, CHART, "--set", "install=identity", *settings, "--kubeconfig", str(admin))
        done = await asyncio.to_thread(run, program(Tool.HELM), *installing)
        assert done.code == 0, done.err
        creating = ("create", "token", release, "--kubeconfig", str(admin))
        token = (await asyncio.to_thread(run, program(Tool.KUBECTL), *creating)).out.strip()
        kubeconfig = tmp_path / "scoped.kubeconfig"
        kubeconfig.write_text(
            json.dumps(_kubeconfig(audited.url, token=token, authority=audited.authority.file.read_bytes()))
        )
        (tmp_path / "agent").mkdir()
        agent = AgentProcess(tmp_path / "agent", kubeconfig, prefix=f"{prefix}0-", count=4, mode=mode, **LEASES)
        nodes = await agent.start()
        try:
            await bind_many(kube, "default", names(8), nodes)
            for name in await all_in(kube, "default", "Running", count=8):
                await kube.delete(PODS, name, namespace="default")
            await gone(kube, "default")
            await eventually(lambda: _asked(audited, release, "update", "leases"))
        finally:
            await agent.end(SIGTERM)
        # Started again, it takes over what it finds.
        await agent.start()
        await eventually(lambda: _has_said(agent, "registered 4 nodes", times=2))
        await agent.end(SIGTERM)
    asked = _requests(audited, release)

    assert [event for event in asked if event.get("responseStatus", {}).get("code") in (401, 403)] == []
    assert {event["objectRef"]["resource"] for event in asked if "objectRef" in event} >= {"nodes", "pods", "leases"}


async def _is_there(kube: KubeClient, namespace: str) -> bool:
    return any(each["metadata"]["name"] == namespace for each in (await kube.list(NAMESPACES)).items)


async def _asked(audited: Audited, account: str, verb: str, resource: str) -> bool:
    asked = _requests(audited, account)
    return any(event["verb"] == verb and event["objectRef"]["resource"] == resource for event in asked)


async def _has_said(agent: AgentProcess, what: str, *, times: int) -> bool:
    return agent.log.count(what) == times


def _requests(audited: Audited, account: str) -> list[dict[str, Any]]:
    events = map(json.loads, (audited.directory / "audit.log").read_text().splitlines())
    return [event for event in events if event["user"]["username"] == f"{ACCOUNT}{account}"]


def _kubeconfig(server: str, *, token: str, authority: bytes) -> Object:
    """What the chart's template makes of an identity's Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "cluster-b",
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()},
            }
        ],
        "users": [{"name": "nodes", "user": {"token": token}}],
        "contexts": [{"name": "cluster-b", "context": {"cluster": "cluster-b", "user": "nodes"}}],
        "current-context": "cluster-b",
    }
