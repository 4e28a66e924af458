"""Admissions that refuse, change or are slow, each for the namespace of one run: real ones, told apart by its label."""

import base64
import datetime as dt
import json
import ssl
from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki
from autox.tasks.density.labels import RUN_LABEL

Object = dict[str, Any]
_GROUP = "admissionregistration.k8s.io"
_RESOURCES = {"pods": ("", "pods"), "configmaps": ("", "configmaps"), "deployments": ("apps", "deployments")}


def refusing(name: str, run: str, resource: str, message: str) -> list[Object]:
    """A policy that refuses everything of a kind."""
    spec = {"validations": [{"expression": "false", "message": message}]}
    return _policy("ValidatingAdmissionPolicy", name, run, resource, spec)


def changing(name: str, run: str, resource: str, change: str) -> list[Object]:
    """A policy that changes everything of a kind: ``change`` is an object in CEL, which is applied to it."""
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}
    spec = {"mutations": [mutation], "reinvocationPolicy": "Never"}
    return _policy("MutatingAdmissionPolicy", name, run, resource, spec)


def _policy(kind: str, name: str, run: str, resource: str, spec: Mapping[str, Any]) -> list[Object]:
    group, plural = _RESOURCES[resource]
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [plural]}
    namespaces = {"matchLabels": {RUN_LABEL: run}}
    binding: Object = {"policyName": name, "matchResources": {"namespaceSelector": namespaces}}
    if kind.startswith("Validating"):
        binding["validationActions"] = ["Deny"]
    constraints = {"resourceRules": [rule]}
    version = f"{_GROUP}/v1"
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"failurePolicy": "Fail", "matchConstraints": constraints, **spec},
        },
        {"apiVersion": version, "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": binding},
    ]


@asynccontextmanager
async def slow_webhook(directory: Path, run: str, resource: str, *, seconds: float) -> AsyncIterator[Object]:
    """A validating webhook that allows all of a kind after so many seconds; its configuration, to be applied."""
    pki = Pki(directory)
    pki.ensure([Identity(file="web", common_name="web", names=("127.0.0.1",))], now=dt.datetime.now(dt.UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.certificate("web"), pki.key("web"))

    async def review(request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        await sleep(seconds)
        response = {"uid": asked["request"]["uid"], "allowed": True}
        return web.json_response({"apiVersion": asked["apiVersion"], "kind": asked["kind"], "response": response})

    application = web.Application()
    application.router.add_post("/", review)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    try:
        await site.start()
        port = runner.addresses[0][1]
        authority = base64.b64encode(pki.certificate("ca").read_bytes()).decode()
        group, plural = _RESOURCES[resource]
        rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [plural]}
        webhook = {
            "name": "slow.example.com",
            "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": authority},
            "rules": [rule],
            "namespaceSelector": {"matchLabels": {RUN_LABEL: run}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 30,
        }
        yield {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": f"slow-{run}"},
            "webhooks": [webhook],
        }
    finally:
        await runner.cleanup()
