"""Events about objects, written in the background."""

import logging
from typing import Any

import pytest
from aiohttp import web

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.events import QUEUE_LIMIT, EventRecorder
from autox.kube.objects import Object
from autox.model.refs import CONFIG_MAPS, EVENTS
from tests.kube.apiserver import ApiServer
from tests.kube.hostile import serving, status

REFERENCE: Object = {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "web", "uid": "u"}


@pytest.mark.integration
async def test_repeats_are_counted(kube: KubeClient, namespace: str) -> None:
    """The same event again raises the count of the first, in the queue and on the server."""
    about = await kube.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": namespace}})
    recorder = EventRecorder(kube, component="tests", host="here")
    for _ in range(3):
        recorder.record(about | {"kind": "ConfigMap"}, reason="Tested", message="It was tested")
    recorder.record(about, type="Warning", reason="Tested", message="It was tested")
    await recorder.flush()
    recorder.record(about | {"kind": "ConfigMap"}, reason="Tested", message="It was tested")
    await recorder.close()

    found = (await kube.list(EVENTS, namespace=namespace)).items
    counts = {event["type"]: event["count"] for event in found}
    assert counts == {"Normal": 4, "Warning": 1}
    assert found[0]["involvedObject"]["uid"] == about["metadata"]["uid"]
    assert found[0]["source"] == {"component": "tests", "host": "here"}
    assert recorder.dropped == 0


@pytest.mark.integration
async def test_an_event_that_was_cleaned_up_begins_anew(kube: KubeClient, namespace: str) -> None:
    """After the server forgot an event, its repeat is a new one."""
    reference = REFERENCE | {"namespace": namespace}
    recorder = EventRecorder(kube, component="tests")
    recorder.record(reference, reason="R", message="m")
    await recorder.flush()
    (first,) = (await kube.list(EVENTS, namespace=namespace)).items
    await kube.delete(EVENTS, first["metadata"]["name"], namespace=namespace)
    recorder.record(reference, reason="R", message="m")
    await recorder.close()

    (second,) = (await kube.list(EVENTS, namespace=namespace)).items
    assert second["count"] == 1


@pytest.mark.integration
async def test_no_permission_breaks_nothing(
    api_server: ApiServer, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An event that the server refuses is dropped with a line in the log, without the message."""
    caplog.set_level(logging.WARNING)
    async with KubeClient(from_kubeconfig(api_server.kubeconfig("mute", groups=()))) as mute:
        recorder = EventRecorder(mute, component="tests")
        recorder.record(REFERENCE | {"namespace": namespace}, reason="R", message="canary")
        await recorder.close()

    assert recorder.dropped == 1
    assert "cannot create resource" in caplog.text
    assert "canary" not in caplog.text


async def test_the_queue_is_bounded_and_drops_its_oldest() -> None:
    """A server that is away costs a bounded amount of memory and no time."""
    written: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        written.append((await request.json())["message"])
        return web.json_response({})

    async with serving(handler) as kube:
        recorder = EventRecorder(kube, component="tests")
        for n in range(QUEUE_LIMIT + 10):
            recorder.record(REFERENCE, reason="R", message=f"m{n}")
        await recorder.close(seconds=60)

    assert recorder.dropped == 10
    assert written == [f"m{n}" for n in range(10, QUEUE_LIMIT + 10)]


async def test_a_lost_answer_does_not_double_an_event() -> None:
    """A create whose answer was lost is tried again under the same name."""
    names: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        names.append((await request.json())["metadata"]["name"])
        return status(500) if len(names) == 1 else status(409, "AlreadyExists")

    async with serving(handler) as kube:
        recorder = EventRecorder(kube, component="tests")
        recorder.record(REFERENCE, reason="R", message="m")
        await recorder.close()

    assert len(names) == 2
    assert len(set(names)) == 1
    assert recorder.dropped == 0


@pytest.mark.parametrize(
    "regarding", [{}, {"metadata": None}, {"metadata": "x"}, {"kind": 7, "name": "System:Röle/x"}, {"metadata": {}}]
)
async def test_a_strange_object_does_no_harm(regarding: Any) -> None:
    """Recording never raises, whatever it is about, and the name is one that a server takes."""
    names: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        names.append((await request.json())["metadata"]["name"])
        return web.json_response({})

    async with serving(handler) as kube:
        recorder = EventRecorder(kube, component="tests")
        recorder.record(regarding, reason="R" * 1000, message="\ud800" + "m" * 5000)
        recorder.record(regarding, reason="R" * 1000, message="m" * 5000)
        await recorder.close()

    assert len(names) == 1
    assert names[0].isascii()
    assert recorder.dropped == 1
