"""A tiny API server for one pod: real HTTP, real requests, and switches for what a real one does too seldom."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from autox.kube.connection import Connection

NO_SUCH_POD = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found"}


@dataclass(slots=True)
class PodApi:
    """Holds pods by name; counts and remembers what is asked of it.

    Attributes:
        pods: the Pod objects by name.
        writes: every status that was written, in order.
        events: reason and message of every Event.
        requests: method and last part of the path of every request.
        refusals: HTTP codes to answer to the next status writes.
        delete_refusals: HTTP codes to answer to the next deletions.
    """

    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[dict[str, Any]] = field(default_factory=list)
    deletions: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    delete_refusals: list[int] = field(default_factory=list)
    version: int = 1
    runner: web.AppRunner | None = None
    url: str = ""

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_patch("/api/v1/namespaces/{ns}/pods/{name}/status", self.patch_status)
        app.router.add_delete("/api/v1/namespaces/{ns}/pods/{name}", self.delete)
        app.router.add_post("/api/v1/namespaces/{ns}/events", self.create_event)
        app.router.add_patch("/api/v1/namespaces/{ns}/events/{name}", self.patch_event)
        app.router.add_get("/api/v1/namespaces/{ns}/{kind}/{name}", self.get)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more."""
        if self.runner is not None:
            await self.runner.cleanup()

    @property
    def connection(self) -> Connection:
        """How to reach it."""
        return Connection(server=self.url, origin="test")

    def add(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Create a pod; returns it as a watch would tell of it."""
        self.version += 1
        stored = {**pod, "metadata": {**pod["metadata"], "resourceVersion": str(self.version)}}
        self.pods[pod["metadata"]["name"]] = stored
        return stored

    def phases(self) -> list[str]:
        """Every phase that was written."""
        return [write["phase"] for write in self.writes if "phase" in write]

    async def patch_status(self, request: web.Request) -> web.Response:
        """A strategic merge patch of the status, as far as a node needs it."""
        body = json.loads(await request.read())
        self.requests.append("PATCH status")
        if self.refusals:
            code = self.refusals.pop(0)
            return web.json_response({"kind": "Status", "code": code, "reason": "Odd", "message": "no"}, status=code)
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return web.json_response(NO_SUCH_POD, status=404)
        if body["metadata"]["uid"] != pod["metadata"]["uid"]:
            message = f'Pod is invalid: metadata.uid: Invalid value: "{body["metadata"]["uid"]}": field is immutable'
            status = {"kind": "Status", "code": 422, "reason": "Invalid", "message": message}
            return web.json_response(status, status=422)
        self.writes.append(body["status"])
        status = {**pod.get("status", {}), **{k: v for k, v in body["status"].items() if k != "conditions"}}
        conditions = {each["type"]: each for each in pod.get("status", {}).get("conditions", [])}
        conditions |= {each["type"]: each for each in body["status"].get("conditions", [])}
        status = {key: value for key, value in status.items() if value is not None}
        return web.json_response(self.add({**pod, "status": {**status, "conditions": list(conditions.values())}}))

    async def delete(self, request: web.Request) -> web.Response:
        """A deletion; with grace 0 the pod is gone."""
        self.requests.append("DELETE pod")
        self.deletions.append(json.loads(await request.read()))
        if self.delete_refusals:
            code = self.delete_refusals.pop(0)
            return web.json_response({"kind": "Status", "code": code, "reason": "Odd", "message": "no"}, status=code)
        pod = self.pods.pop(request.match_info["name"], None)
        return web.json_response(pod or NO_SUCH_POD, status=200 if pod else 404)

    async def create_event(self, request: web.Request) -> web.Response:
        """An Event."""
        event = json.loads(await request.read())
        self.requests.append("POST events")
        self.events.append((event["reason"], event["message"]))
        return web.json_response(event, status=201)

    async def patch_event(self, request: web.Request) -> web.Response:
        """The same Event once more."""
        self.requests.append("PATCH events")
        return web.json_response(json.loads(await request.read()))

    async def get(self, request: web.Request) -> web.Response:
        """A Secret or ConfigMap."""
        self.requests.append(f"GET {request.match_info['kind']}")
        found = self.objects.get(request.match_info["name"])
        return web.json_response(found or NO_SUCH_POD, status=200 if found else 404)
