"""No error about one object stops the work on another: a group that errs in each possible way, and one that is well."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

import pytest

from autox.core.experiments.deciding import is_live
from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.objects import Listing, Object, metadata
from autox.model.errors import (
    AutoxError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotOursError,
    TransientError,
    UnauthorizedError,
)
from autox.model.refs import Resource
from autox.model.verdict import Phase
from autox.testing.releases import RecordingReleases
from tests.controller.scene import Scene
from tests.controller.test_housekeeping import House, leave

pytestmark = pytest.mark.integration

Kind = Callable[[str], AutoxError]
KINDS: tuple[Kind, ...] = (
    ForbiddenError, UnauthorizedError, TransientError, ConflictError, InvalidError, NotFoundError,
)  # fmt: skip
BAD = "bad"
"""How everything begins that errs: a group, its experiments, and a namespace."""

CALLS = ("create", "apply", "delete", "get", "list", "list_metadata", "pages", "install", "uninstall", "found")


class ErringClient(KubeClient):
    """A client of which one verb fails on whatever is the bad group's."""

    def __init__(self, kube: KubeClient, call: str) -> None:
        super().__init__(kube.connection)
        self._call = call
        self.kind: Kind | None = None
        self.erred: set[Kind] = set()

    def fail(self, call: str, *names: object) -> None:
        """Fail if it is about the bad group."""
        if self.kind is not None and call == self._call and any(str(name).startswith(BAD) for name in names):
            self.erred.add(self.kind)
            raise self.kind(f"{call} is made to fail")

    async def create(self, resource: Resource, body: Object, **rest: Any) -> Object:
        """Create, or fail."""
        self.fail("create", metadata(body).get("name"), metadata(body).get("namespace"))
        return await super().create(resource, body, **rest)

    async def apply(self, resource: Resource, body: Object, **rest: Any) -> Object:
        """Apply, or fail."""
        self.fail("apply", metadata(body).get("name"), metadata(body).get("namespace"))
        return await super().apply(resource, body, **rest)

    async def delete(self, resource: Resource, name: str, **rest: Any) -> Object:
        """Delete, or fail."""
        self.fail("delete", name, rest.get("namespace"))
        return await super().delete(resource, name, **rest)

    async def get(self, resource: Resource, name: str, **rest: Any) -> Object:
        """Get, or fail."""
        self.fail("get", name, rest.get("namespace"))
        return await super().get(resource, name, **rest)

    async def list(self, resource: Resource, **rest: Any) -> Listing:
        """List, or fail."""
        self.fail("list", rest.get("namespace"), *str(rest.get("label_selector")).split("="))
        return await super().list(resource, **rest)

    async def list_metadata(self, resource: Resource, **rest: Any) -> Listing:
        """List, or fail."""
        self.fail("list_metadata", rest.get("namespace"))
        return await super().list_metadata(resource, **rest)

    def pages(self, query: Query, *, chunk: int) -> AsyncGenerator[Listing, None]:
        """List, or fail."""
        self.fail("pages", query.namespace)
        return super().pages(query, chunk=chunk)


class ErringReleases(RecordingReleases):
    """Releases of which one verb fails on whatever is the bad group's."""

    def __init__(self, client: ErringClient) -> None:
        super().__init__()
        self._client = client

    async def install(self, name: str, **rest: Any) -> str:
        """Install, or fail."""
        self._client.fail("install", name)
        return await super().install(name, **rest)

    async def uninstall(self, name: str, **rest: Any) -> str:
        """Uninstall, or fail."""
        self._client.fail("uninstall", name)
        return await super().uninstall(name, **rest)

    async def found(self, *, namespace: str) -> Any:
        """List, or fail."""
        self._client.fail("found", namespace)
        return await super().found(namespace=namespace)


@pytest.mark.parametrize("call", CALLS)
async def test_a_group_that_errs_leaves_the_other_one_alone(scene: Scene, call: str) -> None:
    """Whatever fails of one group or namespace, in whatever way, the other's versions are tested and its records kept.

    Retention and recovery stopped at the first record or namespace that they might not touch.
    """
    await scene.trigger(opt_in="true", version="0")
    for name in ("bad", "well"):
        await scene.group(name, history={"limit": 1})
    kinds = (*KINDS, NotOursError) if call in ("install", "uninstall") else KINDS
    async with ErringClient(scene.kube, call) as client:
        releases = ErringReleases(client)
        scene.releases = releases
        scene.restart(client)
        await _look(scene)  # so that there is something to delete at the first error
        for version, kind in enumerate(kinds, 1):
            client.kind = kind
            await scene.trigger(version=str(version))
            await _look(scene)
            await _keep_house(scene, client)
        client.kind = None
        assert client.erred == set(kinds)
        # What was wrong is right again.
        for _ in range(2):
            await scene.look("bad")
        await _keep_house(scene, client)

    records = await scene.by_version("well")
    deleted = [each for each in records.values() if each.phase is Phase.DELETED]
    assert len(deleted) == 1
    for name in ("bad", "well"):
        (live,) = [each for each in (await scene.by_version(name)).values() if is_live(each)]
        assert live.identity.version == str(len(kinds))
        assert sum(each.startswith(name) for each in scene.running()) <= 1


async def _look(scene: Scene) -> None:
    """Have both groups looked at, the bad one first; the other one must do well."""
    for name in ("bad", "well"):
        try:
            await scene.look(name)
        except AutoxError:
            assert name == "bad"
    (live,) = [each for each in (await scene.by_version("well")).values() if is_live(each)]
    assert live.phase is Phase.RUNNING
    assert [each for each in scene.running() if each.startswith("well")] == [live.name]


async def _keep_house(scene: Scene, client: ErringClient) -> None:
    house = House(scene, client)
    house.scope.include([BAD])
    for name in ("bad", "well"):
        with suppress(AutoxError):
            await leave(scene, f"{name}-left", GROUP=name)
    for work in ("resync", "retention", "recovery"):
        with suppress(AutoxError):
            await house.ring(work)
    assert (scene.namespace, "well") in house.keys
    await house.clear()
    assert "well-left" not in scene.running()
