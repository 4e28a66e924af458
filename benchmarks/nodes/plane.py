"""A fresh control plane for one run: etcd and kube-apiserver with default flags, API priority and fairness on.

The programs are started by the code that starts them for the tests of the client. etcd does not sync to its disk, so
that the disk is not what is measured. Nobody who takes part is in ``system:masters`` but the watcher, whom flow
control would otherwise make late.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AlreadyExistsError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NAMESPACES
from benchmarks.nodes.agents import GROUP, USER, Agent
from tests.kube.apiserver import ApiServer

LOADER, LOADERS = "load", "bench:load"
LOADER_RULES = ({"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["create", "delete"]},)
WRITES = ["create", "update", "patch", "delete", "deletecollection"]
RBAC = "rbac.authorization.k8s.io"


class Plane:
    """One control plane; a context manager.

    Attributes:
        audit_log: the API server's, if one is kept.
        server: process id of the API server.
    """

    def __init__(self, directory: Path, *, audited: bool, flags: Sequence[str] = ()) -> None:
        """Nothing is started yet.

        Args:
            directory: for everything that it writes.
            audited: the API server keeps an audit log.
            flags: of the API server.
        """
        self.directory = directory
        self.audit_log = directory / "audit.log" if audited else None
        self.server = 0
        self._given = tuple(flags)
        self._server = ApiServer(directory)

    def __enter__(self) -> Self:
        try:
            self._server.start(*self._flags())
            self.server = self._api_server()
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def watcher(self) -> Path:
        """The kubeconfig of whoever looks on."""
        return self._server.kubeconfig()

    def loader(self) -> Path:
        """The kubeconfig of whoever makes pods."""
        return self._server.kubeconfig(LOADER, groups=[LOADERS])

    def agent(self) -> Path:
        """The kubeconfig of the agent."""
        return self._server.kubeconfig(USER, groups=[GROUP])

    def restart(self) -> None:
        """Kill the API server and start it again, on the same port and data; returns when it is ready."""
        self._server.kill()
        self._server.start(*self._flags())
        self.server = self._api_server()

    def forget(self, revision: int) -> None:
        """Make etcd forget what was before a resource version."""
        self._server.compact(revision)

    async def admit(self, kube: KubeClient, agent: Agent) -> None:
        """Give everybody the rights that they need, and leases their namespace."""
        for group, rules in ((GROUP, agent.rules), (LOADERS, LOADER_RULES)):
            name = group.replace(":", "-")
            for resource, body in ((CLUSTER_ROLES, {"rules": list(rules)}), (CLUSTER_ROLE_BINDINGS, _binding(group))):
                await kube.create(resource, {"metadata": {"name": name}, **body})
        with suppress(AlreadyExistsError):
            await kube.create(NAMESPACES, {"metadata": {"name": "kube-node-lease"}})

    def _api_server(self) -> int:
        """The child of ours that is an API server and works in our directory."""
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                command = child.cmdline()
                if Path(command[0]).name == "kube-apiserver" and str(self.directory) in " ".join(command):
                    return child.pid
        raise RuntimeError("the API server does not run")

    def _flags(self) -> list[str]:
        if self.audit_log is None:
            return [*self._given]
        policy = self.directory / "audit.yaml"
        policy.write_text(yaml.safe_dump(_policy()))
        # NB: a megabyte limit rotates the file in the middle of a run.
        log = (f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}", "--audit-log-maxsize=4096")
        return [*self._given, *log]


def _binding(group: str) -> Object:
    name = group.replace(":", "-")
    return {
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}],
    }


def _policy() -> dict[str, Any]:
    """What anybody but the loader writes to nodes, pods and leases, with a pod's whole status; and what agents read."""
    core = ["nodes", "nodes/status", "pods"]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "users": [LOADER]},
            {"level": "Request", "verbs": WRITES, "resources": [{"group": "", "resources": ["pods/status"]}]},
            {"level": "Metadata", "verbs": WRITES, "resources": [{"group": "", "resources": core}]},
            {
                "level": "Metadata",
                "verbs": WRITES,
                "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
            },
            {"level": "Metadata", "users": [USER]},
            {"level": "None"},
        ],
    }
