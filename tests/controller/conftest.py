"""The API server with autox's definitions, and a scene on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from autox.api.crds import crds
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.model.errors import NotFoundError
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, Resource
from tests.controller.scene import Scene

DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    kind="CustomResourceDefinition",
    namespaced=False,
)


@pytest.fixture
async def defined(kube: KubeClient) -> None:
    """Autox's kinds are served."""
    for definition in crds():
        await kube.apply(DEFINITIONS, definition, field_manager="test")
    async with asyncio.timeout(20):
        for resource in (EXPERIMENT_GROUPS, EXPERIMENTS):
            while await discover(kube, resource) is None:  # noqa: ASYNC110  - nothing tells
                await asyncio.sleep(0.05)


@pytest.fixture
async def scene(kube: KubeClient, namespace: str, defined: None) -> AsyncIterator[Scene]:  # noqa: ARG001
    """A namespace without group or trigger, on an API server without any."""
    # NB: the API server is shared, and a controller looks after whatever is left there, by tests of other folders too.
    for resource in (EXPERIMENT_GROUPS, EXPERIMENTS):
        for each in (await kube.list(resource)).items:
            with suppress(NotFoundError):
                await kube.delete(resource, each["metadata"]["name"], namespace=each["metadata"]["namespace"])
    made = Scene(kube, namespace)
    yield made
    await made.event_recorder.close()
