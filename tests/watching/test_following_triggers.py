"""What happens to triggers is noticed, whatever happens to the watches."""

import asyncio
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import CONFIG_MAPS, NAMESPACES, SECRETS, ObjectRef, Resource
from tests.kube.apiserver import ApiServer
from tests.watching.conftest import Listening
from tests.watching.listener import watch_of

pytestmark = pytest.mark.integration

LABEL = "iter8.tools/autox"
ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group="rbac.authorization.k8s.io", version="v1", plural="rolebindings", kind="RoleBinding")
DEFINITIONS = Resource(
    group="apiextensions.k8s.io", version="v1", plural="customresourcedefinitions",
    kind="CustomResourceDefinition", namespaced=False,
)  # fmt: skip


def config_map(namespace: str, name: str, **labels: str) -> dict[str, Any]:
    """A trigger of the smallest kind."""
    return {"metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}}}


async def relabel(kube: KubeClient, namespace: str, name: str, **labels: str | None) -> None:
    """Set or remove labels."""
    await kube.patch(CONFIG_MAPS, name, {"metadata": {"labels": labels}}, namespace=namespace)


async def test_every_turn_of_a_trigger_is_named(kube: KubeClient, namespace: str, listening: Listening) -> None:
    """Opting in, a new version, opting out by value and by removal, and deletion each name the trigger."""
    listener = await listening()
    listener.follow(watch_of("configmaps", namespace))
    await kube.create(CONFIG_MAPS, config_map(namespace, "there", **{LABEL: "true"}))
    await kube.create(CONFIG_MAPS, config_map(namespace, "web"))
    await listener.named_again("there", 0)

    turns: list[dict[str, str | None]] = [
        {LABEL: "true"}, {"app.kubernetes.io/version": "1.10"}, {LABEL: "false"}, {LABEL: "true"}, {LABEL: None},
        {LABEL: "true"},
    ]  # fmt: skip
    for labels in turns:
        before = listener.count("web")
        await relabel(kube, namespace, "web", **labels)
        await listener.named_again("web", before)
    before = listener.count("web")
    await kube.delete(CONFIG_MAPS, "web", namespace=namespace)
    await listener.named_again("web", before)

    expected = ObjectRef(group="", version="v1", resource="configmaps", namespace=namespace, name="web")
    assert set(listener.named) - {expected} == {ObjectRef(**{**_parts(expected), "name": "there"})}


async def test_triggers_are_only_looked_at(kube: KubeClient, namespace: str, listening: Listening) -> None:
    """Watching leaves no mark on a trigger: no annotation, no finalizer, no status, no field of another manager."""
    made = await kube.create(CONFIG_MAPS, config_map(namespace, "web", **{LABEL: "true"}))
    listener = await listening()
    listener.follow(watch_of("configmaps", namespace))
    await listener.named_again("web", 0)
    await relabel(kube, namespace, "web", other="x")
    await listener.named_again("web", 1)
    await listener.stop()

    found = await kube.get(CONFIG_MAPS, "web", namespace=namespace)
    managers = {each["manager"] for each in found["metadata"].pop("managedFields")}
    assert managers == {each["manager"] for each in made["metadata"]["managedFields"]}
    assert set(found["metadata"]) == set(made["metadata"]) - {"managedFields"}


async def test_only_what_opted_in_comes_from_the_server(kube: KubeClient, namespace: str, listening: Listening) -> None:
    """Several values of one opt-in label are asked for together, and nothing without them is sent."""
    listener = await listening()
    listener.follow(watch_of("configmaps", namespace), watch_of("configmaps", namespace, value="canary"))
    for name, value in (("off", "false"), ("canary", "canary"), ("on", "true")):
        await kube.create(CONFIG_MAPS, config_map(namespace, name, **{LABEL: value}))
    await listener.named_again("canary", 0)
    await listener.named_again("on", 0)

    assert {each.name for each in listener.named} == {"canary", "on"}


async def test_what_is_followed_changes_live(kube: KubeClient, namespace: str, listening: Listening) -> None:
    """A namespace or resource that is added is watched at once, and one that is dropped no longer."""
    other = f"{namespace}-b"
    await kube.create(NAMESPACES, {"metadata": {"name": other}})
    await kube.create(CONFIG_MAPS, config_map(namespace, "one", **{LABEL: "true"}))
    await kube.create(CONFIG_MAPS, config_map(other, "two", **{LABEL: "true"}))
    await kube.create(SECRETS, config_map(other, "three", **{LABEL: "true"}))
    listener = await listening()
    listener.follow(watch_of("configmaps", namespace))
    await listener.named_again("one", 0)
    assert listener.count("two") == 0

    listener.follow(watch_of("configmaps", namespace), watch_of("configmaps", other), watch_of("secrets", other))
    await listener.named_again("two", 0)
    await listener.named_again("three", 0)

    listener.follow(watch_of("secrets", other))
    await asyncio.sleep(0.5)
    before = len(listener.named)
    await relabel(kube, other, "two", changed="yes")
    await kube.patch(SECRETS, "three", {"metadata": {"labels": {"changed": "yes"}}}, namespace=other)
    await listener.named_again("three", 1)
    assert {each.name for each in listener.named[before:]} == {"three"}


async def test_a_resource_that_is_defined_later_is_found(
    kube: KubeClient, namespace: str, listening: Listening
) -> None:
    """Until its definition exists the reason is told and others work; then its objects are noticed, live."""
    plural = f"gadgets{namespace[-8:]}"
    gadgets = Resource(group="example.com", version="v1", plural=plural, kind="Gadget")
    await kube.create(CONFIG_MAPS, config_map(namespace, "web", **{LABEL: "true"}))
    listener = await listening()
    listener.follow(watch_of("configmaps", namespace), watch_of(plural, namespace, group="example.com"))
    await listener.named_again("web", 0)
    await listener.until("the trouble is told", lambda: (plural, "ResourceNotServed") in listener.reasons())
    assert len(listener.reasons()) == 1

    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": "Gadget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    await kube.create(DEFINITIONS, definition)
    try:
        await listener.until("the trouble has gone", lambda: not listener.reasons())
        gadget = {"apiVersion": "example.com/v1", "kind": "Gadget"} | config_map(namespace, "new", **{LABEL: "true"})
        await kube.create(gadgets, gadget)
        await listener.named_again("new", 0)
    finally:
        await kube.delete(DEFINITIONS, f"{plural}.example.com")
    await listener.until("the loss is told", lambda: (plural, "ResourceNotServed") in listener.reasons())


async def test_a_resource_that_may_not_be_watched_stops_no_other(
    kube: KubeClient, namespace: str, listening: Listening, api_server: ApiServer
) -> None:
    """The missing right is named; once it is granted the watch begins, and once it is taken away the reason is back."""
    user = f"watcher-{namespace[-8:]}"
    await grant(kube, namespace, user, "configmaps")
    for resource in (CONFIG_MAPS, SECRETS):
        await kube.create(resource, config_map(namespace, resource.plural, **{LABEL: "true"}))
    async with KubeClient(from_kubeconfig(api_server.kubeconfig(user, groups=()))) as limited:
        listener = await listening(limited)
        listener.follow(watch_of("configmaps", namespace), watch_of("secrets", namespace))
        await listener.named_again("configmaps", 0)
        await listener.until("the trouble is told", lambda: listener.reasons() == {("secrets", "Forbidden")})
        (trouble,) = listener.source.troubles().values()
        assert f"list and watch secrets in namespace {namespace}" in trouble.message
        assert 'resources ["secrets"]' in trouble.message

        await grant(kube, namespace, user, "configmaps", "secrets")
        await listener.named_again("secrets", 0)
        await listener.until("all is well", lambda: not listener.reasons())
        before = listener.count("configmaps")
        await grant(kube, namespace, user, "configmaps")
        # A watch that was let in stays; the next one is refused.
        await relabel(kube, namespace, "configmaps", changed="yes")
        await listener.named_again("configmaps", before)
        await listener.stop()


async def grant(kube: KubeClient, namespace: str, user: str, *resources: str) -> None:
    """Let a user watch these resources and no others."""
    rules = [{"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list", "watch"]}]
    names = {"name": user, "namespace": namespace}
    await kube.apply(ROLES, {"metadata": names, "rules": rules}, field_manager="test")
    binding = {
        "metadata": names,
        "subjects": [{"kind": "User", "name": user, "apiGroup": ROLES.group}],
        "roleRef": {"kind": "Role", "name": user, "apiGroup": ROLES.group},
    }
    await kube.apply(ROLE_BINDINGS, binding, field_manager="test")


def _parts(ref: ObjectRef) -> dict[str, str]:
    return {name: getattr(ref, name) for name in ("group", "version", "resource", "namespace", "name")}
