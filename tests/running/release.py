"""An experiment as a run finds it in a cluster: its record, and what its chart installs, service account included.

The chart is rendered by the real helm, so that what a run may do here is what it may do anywhere.
"""

import base64
import os
import subprocess
import sys
from asyncio import sleep
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from autox.api.crds import crds
from autox.api.experiments import object_from_record
from autox.api.results import result_from_gzip, result_from_object
from autox.cluster.binaries.tools import Tool
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AlreadyExistsError, NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import EXPERIMENTS, SECRETS, SERVICE_ACCOUNTS, ObjectRef, Resource
from autox.model.result import ExperimentResult
from autox.model.verdict import Phase
from tests.deciding.samples import identity, record
from tests.kube.apiserver import ApiServer, program

CHART = Path(__file__).parents[2] / "charts" / "experiment"
RBAC = "rbac.authorization.k8s.io"
ROLE_BINDINGS = Resource(group=RBAC, version="v1", plural="rolebindings", kind="RoleBinding")
ROLES = Resource(group=RBAC, version="v1", plural="roles", kind="Role")
DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    kind="CustomResourceDefinition",
    namespaced=False,
)
INSTALLED = {resource.kind: resource for resource in (SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What was installed.

    Attributes:
        kube: may do everything.
        kubeconfig: of the experiment's service account.
        document: the experiment document, as it is mounted into the pod.
        namespace: of all of it.
        name: of the record and the release.
    """

    kube: KubeClient
    kubeconfig: Path
    document: Path
    namespace: str
    name: str

    async def status(self) -> Object:
        """The record's status."""
        record = await self.kube.get(EXPERIMENTS, self.name, namespace=self.namespace)
        status: Object = record.get("status") or {}
        return status

    async def result(self) -> ExperimentResult:
        """The result in the record's status."""
        return result_from_object((await self.status())["result"])

    async def stored(self) -> ExperimentResult | None:
        """The result in the Secret; None if there is none."""
        secret = await self.kube.get(SECRETS, f"{self.name}-result", namespace=self.namespace)
        data = (secret.get("data") or {}).get("result.json.gz")
        return result_from_gzip(base64.b64decode(data)) if data else None

    def command(self, *argv: str) -> list[str]:
        """The command that runs in its pod."""
        given = ["-f", str(self.document), "--experiment", f"{self.namespace}/{self.name}"]
        return [sys.executable, "-m", "autox", "run", *given, *argv]

    @property
    def environ(self) -> dict[str, str]:
        """The environment of that command."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}


async def define(kube: KubeClient) -> None:
    """Have the API server serve our kinds."""
    for definition in crds():
        with suppress(AlreadyExistsError):
            await kube.create(DEFINITIONS, definition)
    while True:
        with suppress(NotFoundError):
            await kube.list(EXPERIMENTS)
            return
        await sleep(0.05)


def record_of(namespace: str, name: str) -> ExperimentRecord:
    """A record as the controller makes it."""
    return record(
        Phase.PENDING,
        of=identity(
            group="shop",
            spec="load",
            trigger=ObjectRef(group="apps", version="v1", resource="deployments", namespace=namespace, name="web"),
            trigger_uid="0c7f",
            version="1.10",
        ),
        name=name,
        uid="",
        images=("registry.example/web:1.10",),
        created_at=datetime.now(UTC),
    )


async def install(
    kube: KubeClient, api_server: ApiServer, namespace: str, values: Object, *, url: str | None = None
) -> Release:
    """Make an experiment: its record, and what its chart installs but for the Job.

    Args:
        kube: may do everything.
        api_server: makes the kubeconfig.
        namespace: where.
        values: of the chart.
        url: where the experiment's kubeconfig says that the API server is, if it is not there.
    """
    name = f"shop-load-{uuid4().hex[:10]}"
    await define(kube)
    await kube.create(EXPERIMENTS, object_from_record(record_of(namespace, name)))
    document = api_server.directory / f"{name}.yaml"
    for obj in _rendered(name, namespace, values):
        resource = INSTALLED.get(obj["kind"])
        if resource is not None:
            await kube.create(resource, obj, namespace=namespace)
        if obj["kind"] == "Secret" and "stringData" in obj:
            document.write_text(obj["stringData"]["experiment.yaml"])
    kubeconfig = api_server.directory / f"{name}.kubeconfig"
    kubeconfig.write_text(await _kubeconfig(kube, namespace, name, url or api_server.url))
    return Release(kube=kube, kubeconfig=kubeconfig, document=document, namespace=namespace, name=name)


def _rendered(name: str, namespace: str, values: Object) -> list[Object]:
    argv = [program(Tool.HELM), "template", name, str(CHART), "--namespace", namespace, "--values", "-"]
    done = subprocess.run(argv, input=yaml.safe_dump(values), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [obj for obj in yaml.safe_load_all(done.stdout) if obj]


async def _kubeconfig(kube: KubeClient, namespace: str, name: str, server: str) -> str:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await kube.create(SERVICE_ACCOUNTS, request, namespace=namespace, name=name, subresource="token")
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "run",
        "contexts": [{"name": "run", "context": {"cluster": "run", "user": "run", "namespace": namespace}}],
        "clusters": [{"name": "run", "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
        "users": [{"name": "run", "user": {"token": answer["status"]["token"]}}],
    }
    return yaml.safe_dump(config)
