"""The environment that a container sees, from every source that a pod can name."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autox.model.errors import ForbiddenError, StartError, UnreachableError
from autox.nodes.process.pod.environment import base_environment, declared_environment
from autox.nodes.process.volumes.sources import Sources
from tests.environment.clusterdata import ClusterData, facts_of


@pytest.fixture
def cluster() -> ClusterData:
    """A Secret with text and bytes, a ConfigMap."""
    data = ClusterData()
    data.secret("keys", {"user": b"me", "bytes": b"\xff\x00x"[:1], "empty": b""})
    data.config_map("settings", {"MODE": "fast", "log.level": "debug", "with space": "ok"})
    return data


async def resolved(cluster: ClusterData, *, services: dict[str, str] | None = None, **container: Any) -> dict[str, str]:
    """The declared environment of a container with these fields."""
    facts = facts_of(
        metadata={"labels": {"app": "web", "x.io/y": "z"}, "annotations": {"note": 'say "hi"\n\tü'}},
        containers=[{"name": "main", **container}],
    )
    return await declared_environment(
        facts, {"name": "main", **container}, sources=Sources(cluster), services=services or {}
    )


async def test_references_see_what_was_declared_before(cluster: ClusterData) -> None:
    """A value may refer to earlier variables and services, not to later ones."""
    env = [
        {"name": "A", "value": "$(B)-$(SVC)"},
        {"name": "B", "value": "b"},
        {"name": "C", "value": "$(A) $(B) $$(B)"},
        {"name": "D"},
    ]

    assert await resolved(cluster, env=env, services={"SVC": "10.0.0.1", "B": "service"}) == {
        "A": "service-10.0.0.1",
        "B": "b",
        "C": "service-10.0.0.1 b $(B)",
        "D": "",
        "SVC": "10.0.0.1",
    }


async def test_env_from(cluster: ClusterData) -> None:
    """An envFrom takes whole objects in order, with a prefix; env wins over it."""
    env_from = [
        {"configMapRef": {"name": "settings"}},
        {"prefix": "KEY_", "secretRef": {"name": "keys"}},
        {"configMapRef": {"name": "none", "optional": True}},
        {"secretRef": {"name": "none", "optional": True}},
    ]

    assert await resolved(cluster, envFrom=env_from, env=[{"name": "MODE", "value": "was-$(MODE)"}]) == {
        "MODE": "was-fast",
        "log.level": "debug",
        "with space": "ok",
        "KEY_user": "me",
        "KEY_bytes": "\udcff",
        "KEY_empty": "",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web-0"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "uid-1"),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['x.io/y']", "z"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['note']", 'say "hi"\n\tü'),
        ("metadata.labels", 'app="web"\nx.io/y="z"'),
        ("metadata.annotations", 'note="say \\"hi\\"\\n\\tü"'),
        ("spec.nodeName", "a-node"),
        ("spec.serviceAccountName", "robot"),
        ("status.podIP", "127.5.1.7"),
        ("status.podIPs", "127.5.1.7"),
        ("status.hostIP", "127.5.0.1"),
        ("status.hostIPs", "127.5.0.1"),
    ],
)
async def test_field_references(cluster: ClusterData, path: str, expected: str) -> None:
    """Each field of the downward API has its value; addresses are those that the process can bind."""
    env = [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}]

    assert await resolved(cluster, env=env) == {"V": expected}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"resource": "limits.cpu"}, "2"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "1500"),
        ({"resource": "requests.cpu", "divisor": "1m"}, "100"),
        ({"resource": "requests.cpu"}, "1"),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "8192"),
        ({"resource": "requests.memory"}, "134217728"),
        ({"resource": "requests.memory", "divisor": "1M"}, "135"),
        ({"resource": "requests.ephemeral-storage"}, "0"),
        ({"resource": "limits.ephemeral-storage", "divisor": "1Gi"}, "10"),
        ({"resource": "limits.cpu", "divisor": "0"}, "2"),
        ({"resource": "limits.cpu", "containerName": "main"}, "2"),
    ],
)
async def test_resource_references(cluster: ClusterData, reference: dict[str, str], expected: str) -> None:
    """Limits and requests are divided and rounded up; a limit that is not set is what the node has."""
    resources = {"limits": {"cpu": "1500m"}, "requests": {"cpu": "0.1", "memory": "128Mi"}}
    env = [{"name": "V", "valueFrom": {"resourceFieldRef": reference}}]

    assert await resolved(cluster, env=env, resources=resources) == {"V": expected}


async def test_keys(cluster: ClusterData) -> None:
    """Single keys, and optional ones that are missing set nothing."""
    env = [
        {"name": "U", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "user"}}},
        {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "MODE"}}},
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "none", "optional": True}}},
        {"name": "Y", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "none", "optional": True}}},
    ]

    assert await resolved(cluster, env=env) == {"U": "me", "M": "fast"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found'),
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        (
            {"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]},
            'secret "none" not found',
        ),
        (
            {"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}]},
            "couldn't find key k in Secret ns/keys",
        ),
        (
            {"env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k"}}}]},
            "couldn't find key k in ConfigMap ns/settings",
        ),
        ({"env": [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "spec.nope"}}}]}, "unsupported fieldPath"),
        ({"env": [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "spec['x']"}}}]}, "does not support subscript"),
        ({"env": [{"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}]}, "unsupported"),
        (
            {
                "env": [
                    {"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "x"}}}
                ]
            },
            "container x not found",
        ),
        ({"env": [{"name": "V", "valueFrom": {"fileKeyRef": {"key": "k"}}}]}, "does not offer fileKeyRef"),
    ],
)
async def test_what_is_missing_is_named(cluster: ClusterData, container: dict[str, Any], message: str) -> None:
    """A source that is not there keeps the container from being made, with the kubelet's words and reason."""
    with pytest.raises(StartError, match=message) as caught:
        await resolved(cluster, **container)

    assert caught.value.reason == "CreateContainerConfigError"


@pytest.mark.parametrize("fault", [ForbiddenError("not for you"), UnreachableError("no answer")])
async def test_unreadable_is_not_missing(cluster: ClusterData, fault: ForbiddenError | UnreachableError) -> None:
    """A source that cannot be read is an error even where it is optional: it may well be there."""
    cluster.fail = fault

    with pytest.raises(StartError, match=fault.message):
        await resolved(cluster, envFrom=[{"secretRef": {"name": "keys", "optional": True}}])


def test_base_environment() -> None:
    """Every container has these variables and no others of the node's; HOME is no user's."""
    facts = facts_of(metadata={"name": "a" * 62 + "-x"})

    assert base_environment(
        facts, rootfs=Path("/s/rootfs"), path=[Path("/a"), Path("/b")], api_server=("127.0.0.1", 6443)
    ) == {
        "PATH": "/a:/b",
        "HOME": "/s/rootfs",
        "HOSTNAME": "a" * 62,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
        "CONTAINER_SANDBOX_MOUNT_POINT": "/s/rootfs",
    }


async def test_many_readers_share_one_request(cluster: ClusterData) -> None:
    """A hundred containers with the same Secret cost one request, and a change is seen some seconds later."""
    now = 0.0
    sources = Sources(cluster, clock=lambda: now)

    await asyncio.gather(*(sources.secret("ns", "keys") for _ in range(100)))
    assert cluster.reads == ["keys"]

    cluster.secret("keys", {"user": b"you"})
    now = 6.0
    assert (await sources.secret("ns", "keys"))["data"] == {"user": "eW91"}


async def test_errors_are_not_remembered(cluster: ClusterData) -> None:
    """A failed request is tried again by the next reader; one reader that gives up does not fail the others."""
    sources = Sources(cluster)
    cluster.fail = UnreachableError("no answer")
    with pytest.raises(UnreachableError):
        await sources.secret("ns", "keys")
    cluster.fail = None

    first = asyncio.ensure_future(sources.secret("ns", "keys"))
    second = asyncio.ensure_future(sources.secret("ns", "keys"))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second)["metadata"]["name"] == "keys"
