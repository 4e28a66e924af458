"""Every verb against a real API server."""

import asyncio

import pytest

from autox.kube.access import can
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object, PatchType
from autox.model.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PermanentError,
    UnreachableError,
)
from autox.model.refs import CONFIG_MAPS, NAMESPACES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from tests.kube.apiserver import ApiServer, free_port

pytestmark = pytest.mark.integration


def config_map(namespace: str, name: str, **data: str) -> Object:
    """A ConfigMap."""
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


def pod(namespace: str, name: str) -> Object:
    """A Pod."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "none"}]},
    }


async def test_an_object_lives_from_creation_to_deletion(kube: KubeClient, namespace: str) -> None:
    """Create, get, replace, patch and delete do what they say."""
    created = await kube.create(CONFIG_MAPS, config_map(namespace, "a", x="1"))
    assert created["data"] == {"x": "1"}

    changed = await kube.replace(CONFIG_MAPS, created | {"data": {"x": "2"}})
    assert changed["data"] == {"x": "2"}
    with pytest.raises(ConflictError):
        await kube.replace(CONFIG_MAPS, created)

    await kube.patch(CONFIG_MAPS, "a", {"data": {"y": "3"}}, namespace=namespace)
    operations = [{"op": "remove", "path": "/data/x"}]
    await kube.patch(CONFIG_MAPS, "a", operations, namespace=namespace, patch_type=PatchType.JSON)
    assert (await kube.get(CONFIG_MAPS, "a", namespace=namespace))["data"] == {"y": "3"}

    await kube.delete(CONFIG_MAPS, "a", namespace=namespace)
    with pytest.raises(NotFoundError):
        await kube.get(CONFIG_MAPS, "a", namespace=namespace)


async def test_creating_twice_is_told_apart_from_a_race(kube: KubeClient, namespace: str) -> None:
    """A name that is taken is AlreadyExists, which is not a Conflict."""
    await kube.create(CONFIG_MAPS, config_map(namespace, "a"))

    with pytest.raises(AlreadyExistsError):
        await kube.create(CONFIG_MAPS, config_map(namespace, "a"))


async def test_a_precondition_saves_the_successor(kube: KubeClient, namespace: str) -> None:
    """Deleting by uid or resource version does not delete an object that merely has the same name."""
    first = await kube.create(CONFIG_MAPS, config_map(namespace, "a"))
    await kube.delete(CONFIG_MAPS, "a", namespace=namespace)
    await kube.create(CONFIG_MAPS, config_map(namespace, "a"))

    for wrong in ({"uid": first["metadata"]["uid"]}, {"resource_version": first["metadata"]["resourceVersion"]}):
        with pytest.raises(ConflictError):
            await kube.delete(CONFIG_MAPS, "a", namespace=namespace, **wrong)


async def test_apply_owns_fields_and_minds_other_owners(kube: KubeClient, namespace: str) -> None:
    """Server-side apply creates, gives fields up that are left out, and takes fields from others only by force."""
    await kube.apply(CONFIG_MAPS, config_map(namespace, "a", x="1", y="1"), field_manager="one")
    applied = await kube.apply(CONFIG_MAPS, config_map(namespace, "a", x="1"), field_manager="one")
    assert applied["data"] == {"x": "1"}

    with pytest.raises(ConflictError):
        await kube.apply(CONFIG_MAPS, config_map(namespace, "a", x="2"), field_manager="two", force=False)
    forced = await kube.apply(CONFIG_MAPS, config_map(namespace, "a", x="2"), field_manager="two")
    assert forced["data"] == {"x": "2"}


async def test_the_status_is_written_apart_from_the_rest(kube: KubeClient, namespace: str) -> None:
    """A subresource patch changes the status alone; a strategic patch merges lists by key."""
    await kube.create(PODS, pod(namespace, "p"))
    condition = {"type": "Ready", "status": "True"}

    await kube.patch(
        PODS,
        "p",
        {"status": {"phase": "Running", "conditions": [condition]}},
        namespace=namespace,
        subresource="status",
        patch_type=PatchType.STRATEGIC,
        field_manager="test",
    )

    found = await kube.get(PODS, "p", namespace=namespace)
    assert found["status"]["phase"] == "Running"
    deleted = await kube.delete(PODS, "p", namespace=namespace, grace_seconds=0, propagation="Background")
    assert deleted["kind"] in {"Pod", "Status"}


async def test_a_long_list_comes_in_pages_and_whole(kube: KubeClient, namespace: str) -> None:
    """Chunks are put together again, selectors select, and each item says its own kind."""
    await asyncio.gather(
        *(
            kube.create(
                CONFIG_MAPS,
                {"metadata": {"name": f"c{n}", "namespace": namespace, "labels": {"even": str(n % 2 == 0)}}},
            )
            for n in range(25)
        )
    )

    everything = await kube.list(CONFIG_MAPS, namespace=namespace, chunk=10)
    even = await kube.list(CONFIG_MAPS, namespace=namespace, label_selector="even=True", chunk=5)
    one = await kube.list(CONFIG_MAPS, namespace=namespace, field_selector="metadata.name=c7")

    names = {item["metadata"]["name"] for item in everything.items if item["metadata"]["name"].startswith("c")}
    assert names == {f"c{n}" for n in range(25)}
    assert len(even.items) == 13
    assert [(item["kind"], item["apiVersion"]) for item in one.items] == [("ConfigMap", "v1")]
    assert int(everything.resource_version) > 0


async def test_metadata_can_be_had_without_the_rest(kube: KubeClient, namespace: str) -> None:
    """A metadata-only read leaves the content on the server."""
    await kube.create(CONFIG_MAPS, config_map(namespace, "a", big="x" * 1000))

    listed = await kube.list_metadata(CONFIG_MAPS, namespace=namespace, field_selector="metadata.name=a")
    single = await kube.get_metadata(CONFIG_MAPS, "a", namespace=namespace)

    for found in (*listed.items, single):
        assert found["kind"] == "PartialObjectMetadata"
        assert found["metadata"]["name"] == "a"
        assert "data" not in found


async def test_a_token_is_created_for_a_service_account(kube: KubeClient, namespace: str) -> None:
    """Creating a subresource of a named object works: a token request."""
    await kube.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot", "namespace": namespace}})

    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await kube.create(SERVICE_ACCOUNTS, request, namespace=namespace, name="robot", subresource="token")

    assert answer["status"]["token"].count(".") == 2


async def test_raw_paths_are_read(kube: KubeClient) -> None:
    """Health, version and metrics come as bytes."""
    assert await kube.read("/readyz") == b"ok"
    assert b"gitVersion" in await kube.read("/version")
    assert b"[+]ping ok" in await kube.read("/livez", params={"verbose": ""})


async def test_permissions_are_asked_and_refusals_named(api_server: ApiServer, kube: KubeClient) -> None:
    """A user without rights is told so by an access review, and by a Forbidden that says who may not do what."""
    async with KubeClient(from_kubeconfig(api_server.kubeconfig("nobody", groups=()))) as nobody:
        assert not await can(nobody, "list", PODS)
        assert not await can(nobody, "get", PODS, namespace="default", name="x", subresource="log")
        with pytest.raises(ForbiddenError, match='User "nobody" cannot list'):
            await nobody.list(PODS)
    assert await can(kube, "list", PODS)


async def test_an_invalid_object_is_refused_with_the_field(kube: KubeClient, namespace: str) -> None:
    """The server's own words say what is wrong."""
    with pytest.raises(InvalidError, match=r"spec\.containers"):
        await kube.create(PODS, {"metadata": {"name": "p", "namespace": namespace}, "spec": {}})
    with pytest.raises(InvalidError):
        await kube.create(CONFIG_MAPS, config_map(namespace, "big", x="x" * 4_000_000))
    nonsense = Resource(group="nonsense.example", version="v1", plural="nothings", kind="Nothing")
    with pytest.raises(NotFoundError):
        await kube.list(nonsense)


async def test_a_refused_secret_is_not_quoted(kube: KubeClient, namespace: str) -> None:
    """What stands in a Secret does not get into the error that refuses it."""
    body = {"metadata": {"name": "s", "namespace": namespace}, "type": "kubernetes.io/tls", "data": {"a": "hunter2"}}

    with pytest.raises(InvalidError) as caught:
        await kube.create(SECRETS, body)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_is_none_never_reaches_the_server(kube: KubeClient, namespace: str, name: str) -> None:
    """Deleting the object named nothing does not delete the collection."""
    await kube.create(CONFIG_MAPS, config_map(namespace, "a"))

    with pytest.raises(InvalidError):
        await kube.delete(CONFIG_MAPS, name, namespace=namespace)

    assert await kube.get(CONFIG_MAPS, "a", namespace=namespace)


@pytest.mark.parametrize("name", ["a/../b", "a?watch=1", "a#b", "a%2Fb", "ä b", "x" * 5000])
async def test_a_hostile_name_leads_nowhere_else(kube: KubeClient, namespace: str, name: str) -> None:
    """Whatever a name contains, it names at most an object that does not exist."""
    with pytest.raises(PermanentError):
        await kube.get(CONFIG_MAPS, name, namespace=namespace)


async def test_nobody_listens(api_server: ApiServer) -> None:
    """A server that is not there is Unreachable, with its address."""
    url = f"https://127.0.0.1:{free_port()}"
    async with KubeClient(from_kubeconfig(api_server.kubeconfig(url=url))) as lost:
        with pytest.raises(UnreachableError, match=url):
            await lost.get(NAMESPACES, "default")


async def test_a_server_that_the_kubeconfig_does_not_trust(api_server: ApiServer) -> None:
    """A certificate of another authority is a configuration error, not something to wait for."""
    path = api_server.kubeconfig()
    other = path.with_name("other.kubeconfig")
    other.write_text(path.read_text().replace("certificate-authority: ca.crt", "certificate-authority: other.crt"))
    certificate, _ = api_server.authority.issue("other")
    assert certificate.name == "other.crt"

    async with KubeClient(from_kubeconfig(other)) as distrustful:
        with pytest.raises(ConfigurationError, match="not trusted"):
            await distrustful.get(NAMESPACES, "default")
