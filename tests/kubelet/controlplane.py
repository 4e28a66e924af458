"""A real API server in front of mock nodes, and kubectl as people use it."""

import asyncio
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.objects import Object, PatchType, timestamp
from autox.model.nodes import KubeletEndpoint
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NODES, PODS
from autox.nodes.kubelet.access import API_SERVER
from autox.nodes.kubelet.remotecommand import EXEC_BY_WEB_SOCKET
from autox.nodes.mock.pods import pod_from
from autox.nodes.mock.podview import PodView, view_of
from autox.nodes.node.nodeobject import node_object, this_machine
from autox.nodes.provider import NodeSpec
from tests.kube.apiserver import ApiServer, free_port

ADDRESSES = ("127.215.0.1", "127.215.0.2")


def started(directory: Path) -> ApiServer:
    """An API server that trusts kubelets of its authority alone."""
    server = ApiServer(directory)
    certificate, key = server.authority.issue(API_SERVER)
    server.authority.issue("kubelet", hosts=ADDRESSES)
    with ExitStack() as undo:
        undo.callback(server.stop)
        server.start(
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
            f"--kubelet-certificate-authority={server.authority.file}",
            "--kubelet-preferred-address-types=InternalIP",
        )
        undo.pop_all()
    return server


def kubelet_endpoint(server: ApiServer) -> KubeletEndpoint:
    """Where its nodes are asked."""
    at = server.directory
    return KubeletEndpoint(
        address=ADDRESSES[0],
        port=free_port(),
        cert_file=at / "kubelet.crt",
        key_file=at / "kubelet.key",
        client_ca_file=server.authority.file,
    )


def trust(server: ApiServer, user: str | None = None) -> ssl.SSLContext:
    """A client's TLS, with the certificate of a user of no groups or without any."""
    context = ssl.create_default_context(cafile=server.authority.file)
    if user is not None:
        context.load_cert_chain(*server.authority.issue(user))
    return context


@dataclass(slots=True)
class ApiPods:
    """Pods as the API server has them, known to the nodes without a watch."""

    kube: KubeClient
    known: list[Object] = field(default_factory=list)

    async def run(self, namespace: str, name: str, *, node: str, **spec: Any) -> None:
        """Create a pod on a node and say that it runs since a minute ago."""
        body = {
            "metadata": {"name": name, "annotations": spec.pop("annotations", {})},
            "spec": {"nodeName": node, "containers": [{"name": "app", "image": "shop/app:1"}]} | spec,
        }
        instant = timestamp(datetime.fromtimestamp(datetime.now(UTC).timestamp() - 60, UTC))
        pod = await self.kube.create(PODS, body, namespace=namespace)
        statuses = [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": instant}},
            }
            for container in pod["spec"]["containers"]
        ]
        ready = {"type": "Ready", "status": "True"}
        status = {"phase": "Running", "startTime": instant, "containerStatuses": statuses, "conditions": [ready]}
        self.known.append(
            await self.kube.patch(
                PODS,
                name,
                {"status": status},
                namespace=namespace,
                patch_type=PatchType.STRATEGIC,
                subresource="status",
            )
        )

    def pods(self, node: str) -> list[PodView]:
        """Those on a node."""
        return [_view(pod) for pod in self.known if pod["spec"]["nodeName"] == node]

    def pod(self, node: str, namespace: str, name: str) -> PodView | None:
        """The one of that name."""
        return next((one for one in self.pods(node) if (one.namespace, one.name) == (namespace, name)), None)


def _view(pod: Object) -> PodView:
    view = view_of(pod_from(pod))
    requests = {one["name"]: one.get("resources", {}).get("requests", {}) for one in pod["spec"]["containers"]}
    return replace(view, containers=tuple(replace(one, requests=requests[one.name]) for one in view.containers))


async def register(kube: KubeClient, specs: list[NodeSpec]) -> None:
    """Create the Nodes, each of which says how its endpoints are to be spoken to."""
    for spec in specs:
        node = node_object(spec, provider="mock", machine=this_machine(), now=datetime.now(UTC))
        node["status"]["declaredFeatures"] = [EXEC_BY_WEB_SOCKET]
        await kube.create(NODES, node)


async def grant(kube: KubeClient, name: str, subject: Object, *subresources: str, of: str = "") -> None:
    """Let a user or service account read these parts of all nodes, or of one."""
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": [f"nodes/{part}" for part in subresources], "verbs": ["get"]}
    rule |= {"resourceNames": [of]} if of else {}
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    }
    await kube.create(CLUSTER_ROLES, {"metadata": {"name": name}, "rules": [rule]})
    await kube.create(CLUSTER_ROLE_BINDINGS, binding)


async def kubectl(server: ApiServer, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    process = await asyncio.create_subprocess_exec(
        "kubectl",
        f"--kubeconfig={server.kubeconfig()}",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    return process.returncode or 0, out.decode(), err.decode()
