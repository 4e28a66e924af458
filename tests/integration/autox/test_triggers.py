"""Triggers that go, come late, or are of a kind of their own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL
from autox.model.refs import DEPLOYMENTS, Resource
from tests.integration.autox.scene import Scene, eventually

pytestmark = pytest.mark.integration

DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    kind="CustomResourceDefinition",
    namespaced=False,
)


async def test_trigger_deleted(scene: Scene) -> None:
    """When the trigger is deleted, so are its experiments; a new one of that name is another trigger."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    (old,) = await scene.tested("1")

    await scene.kube.delete(DEPLOYMENTS, "web", namespace=scene.namespace)

    await scene.deleted("TriggerGone")
    await scene.deploy(version="1", opt_in="true")
    (new,) = await scene.tested("1")
    assert new.name != old.name
    assert new.identity.revision == 1


async def test_trigger_recreated(scene: Scene) -> None:
    """A trigger that is deleted and made again at once is tested anew, though the version is the same."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    (old,) = await scene.tested("1")

    await scene.kube.delete(DEPLOYMENTS, "web", namespace=scene.namespace)
    made = await scene.deploy(version="1", opt_in="true")

    async def is_replaced() -> bool:
        live = await scene.tested("1")
        return bool(live[0].identity.trigger_uid == made["metadata"]["uid"])

    await eventually("a test of the new Deployment", is_replaced)
    assert old.name not in await scene.releases()


@pytest.fixture
async def definition(kube: KubeClient) -> AsyncIterator[Object]:
    """A custom resource definition that the API server does not know yet; gone afterwards."""
    word = f"w{uuid4().hex[:8]}"
    plural, group = f"{word}s", f"{word}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    body: Object = {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": word, "kind": word.capitalize()},
            "versions": [version],
        },
    }
    yield body
    found = await kube.list_metadata(DEFINITIONS, field_selector=f"metadata.name={body['metadata']['name']}")
    for each in found.items:
        await kube.delete(DEFINITIONS, each["metadata"]["name"])


def resource_of(definition: Object) -> Resource:
    """What a definition defines."""
    names, group = definition["spec"]["names"], definition["spec"]["group"]
    return Resource(group=group, version="v1", plural=names["plural"], kind=names["kind"])


def trigger_of(definition: Object) -> Object:
    """A group's trigger of that kind, named ``canary``."""
    resource = resource_of(definition)
    return {"group": resource.group, "version": "v1", "resource": resource.plural, "name": "canary"}


async def define(scene: Scene, definition: Object) -> None:
    """Create a definition, and wait until objects of it can be made."""
    await scene.kube.create(DEFINITIONS, definition)

    async def is_established() -> bool:
        found = await scene.kube.get(DEFINITIONS, definition["metadata"]["name"])
        conditions = found.get("status", {}).get("conditions") or []
        return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)

    await eventually("the definition", is_established)


async def create(scene: Scene, definition: Object) -> None:
    """Make the object, opted in, with version 1."""
    labels = {VERSION_LABEL: "1", OPT_IN_LABEL: "true"}
    names = {"namespace": scene.namespace, "name": "canary", "labels": labels}
    resource = resource_of(definition)
    body: Object = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": names}
    await scene.kube.create(resource, body)


async def test_custom_resource(scene: Scene, definition: Object) -> None:
    """A custom resource is a trigger like any other: each of its versions is tested, until it goes."""
    await define(scene, definition)
    await scene.group(trigger=trigger_of(definition))
    await create(scene, definition)
    await scene.tested("1")

    await scene.label("canary", resource=resource_of(definition), version="2")
    await scene.tested("2")

    await scene.kube.delete(resource_of(definition), "canary", namespace=scene.namespace)
    await scene.deleted("TriggerGone")


async def test_definition_that_does_not_exist_yet(scene: Scene, definition: Object) -> None:
    """A group may come before its trigger's definition: it says so, and works once there is one; others go on."""
    await scene.group("early", trigger=trigger_of(definition))
    message = await scene.waits("ResourceNotServed", group="early", kind="TriggerFound")
    assert definition["spec"]["names"]["plural"] in message
    await scene.has_come_round()

    await define(scene, definition)
    await create(scene, definition)

    await scene.tested("1", group="early")
