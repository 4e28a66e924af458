"""An API server's Secrets, ConfigMaps and tokens in memory, with faults that a real one shows too seldom."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

from autox.kube.objects import Object
from autox.model.errors import AutoxError, NotFoundError
from autox.model.refs import CONFIG_MAPS, SECRETS, Resource
from autox.nodes.process.volumes.downward import PodFacts


class ClusterData:
    """Answers as a KubeClient would; ``fail`` makes every further answer that error."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.fail: AutoxError | None = None
        self.reads: list[str] = []
        self.tokens: list[tuple[str, str, Object]] = []
        self.now = 1_000_000.0
        self.lifetime = 3600

    def secret(self, name: str, data: dict[str, bytes], **more: Any) -> None:
        """Create or change a Secret."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.objects[SECRETS.plural, "ns", name] = {"metadata": {"name": name}, "data": encoded, **more}

    def config_map(self, name: str, data: dict[str, str], **more: Any) -> None:
        """Create or change a ConfigMap."""
        self.objects[CONFIG_MAPS.plural, "ns", name] = {"metadata": {"name": name}, "data": data, **more}

    async def get(
        self, resource: Resource, name: str, *, namespace: str | None = None, subresource: str | None = None
    ) -> Object:
        """As KubeClient.get."""
        assert subresource is None
        self.reads.append(name)
        await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        try:
            return self.objects[resource.plural, namespace or "", name]
        except KeyError as error:
            raise NotFoundError(f'{resource.plural} "{name}" not found') from error

    async def create(
        self,
        resource: Resource,
        body: Object,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> Object:
        """As KubeClient.create, for tokens alone."""
        assert (resource.plural, subresource) == ("serviceaccounts", "token")
        await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        self.tokens.append((namespace or "", name or "", body))
        expires = datetime.fromtimestamp(self.now + self.lifetime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = {"token": f"token-{len(self.tokens)}", "expirationTimestamp": expires}
        return {**body, "spec": {**body["spec"], "expirationSeconds": self.lifetime}, "status": status}


def facts_of(*, metadata: Object | None = None, **spec: Any) -> PodFacts:
    """A pod with this spec on a node of 4 CPUs."""
    pod: Object = {
        "metadata": {"name": "web-0", "namespace": "ns", "uid": "uid-1", **(metadata or {})},
        "spec": {"nodeName": "a-node", "serviceAccountName": "robot", **spec},
    }
    return PodFacts(
        pod=pod,
        pod_ip="127.5.1.7",
        host_ip="127.5.0.1",
        allocatable={"cpu": "4", "memory": "8Gi", "ephemeral-storage": "10Gi"},
    )
