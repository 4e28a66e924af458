"""Serves a node's endpoints over HTTPS to the API server, and to nobody else.

A certificate of the cluster's authority alone is not enough, since every user may have one: it must be the API
server's, or an administrator's. The kubelet would ask the API server by a SubjectAccessReview; a node on the same
machine as its API server need not.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from autox.kube.objects import Object
from autox.model.errors import AutoxError, ConfigurationError, InvalidError, NotFoundError, UnsupportedError
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet.logquery import log_options, wants_previous
from autox.nodes.process.logs import read_log

_LOG = logging.getLogger(__name__)

_API_SERVER = "kube-apiserver-kubelet-client"
_ADMINISTRATORS = "system:masters"
_STATUSES: dict[type[AutoxError], int] = {NotFoundError: 404, UnsupportedError: 501, InvalidError: 400}
_SHUTDOWN_SECONDS = 0.5  # for answers under way; whoever follows a log is cut off after it


class PodDirectory(Protocol):
    """What the endpoints may know of the pods of a node."""

    def pods(self) -> list[Object]:
        """The pods that are bound to the nodes behind this endpoint."""
        ...

    def log_path(self, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
        """Where the log of a container is, or that of its attempt before.

        Raises:
            NotFoundError: no such pod or container.
            InvalidError: there is no log of it (yet).
            UnsupportedError: pods here have no logs.
        """
        ...


class KubeletServer:
    """``/healthz``, ``/pods`` and ``/containerLogs``; exec, attach and port-forward are refused plainly."""

    def __init__(self, endpoint: KubeletEndpoint, directory: PodDirectory) -> None:
        """Prepare; nothing listens before ``run``."""
        self._endpoint = endpoint
        self._directory = directory

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigurationError: the certificate files cannot be used, or the address cannot be listened on.
        """
        # NB: cancelling handlers is what ends a followed log when its reader goes away.
        runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        try:
            where = f"{self._endpoint.address}:{self._endpoint.port}"
            site = web.TCPSite(runner, self._endpoint.address, self._endpoint.port, ssl_context=_tls(self._endpoint))
            try:
                await site.start()
            except OSError as error:
                raise ConfigurationError(
                    f"the kubelet endpoints cannot listen on {where}: {error.strerror}", hint="choose another port"
                ) from error
            _LOG.info("kubelet endpoints at https://%s", where)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_errors_as_text, _only_the_api_server])
        application.router.add_get("/healthz", _healthz)
        application.router.add_get("/pods", self._pods)
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._container_logs)
        for verb in ("exec", "attach", "portForward", "run"):
            application.router.add_route("*", f"/{verb}/{{rest:.*}}", _unsupported)
        return application

    async def _pods(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._directory.pods()}
        )

    async def _container_logs(self, request: web.Request) -> web.StreamResponse:
        what = request.match_info
        options = log_options(request.query, now=time.time())
        path = self._directory.log_path(
            what["namespace"], what["pod"], what["container"], previous=wants_previous(request.query)
        )
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        async with aclosing(cast("AsyncGenerator[bytes, None]", read_log(path, options))) as pieces:
            # NB: the first piece before the headers, so that a log which cannot be read is an error and not empty.
            first = await anext(pieces, b"")
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        await response.write_eof()
        return response


async def _healthz(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


async def _unsupported(request: web.Request) -> web.StreamResponse:
    verb = {"portForward": "port-forward"}.get(request.path.split("/")[1], request.path.split("/")[1])
    raise UnsupportedError(f"{verb} is not supported by the process node")


@web.middleware
async def _errors_as_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AutoxError as error:
        return web.Response(status=_STATUSES.get(type(error), 500), text=error.message)


@web.middleware
async def _only_the_api_server(request: web.Request, handler: Handler) -> web.StreamResponse:
    certificate = request.get_extra_info("peercert") or {}
    subject = {pair for part in certificate.get("subject", ()) for pair in part}
    if ("commonName", _API_SERVER) in subject or ("organizationName", _ADMINISTRATORS) in subject:
        return await handler(request)
    text = f"only {_API_SERVER} and members of {_ADMINISTRATORS} may use the kubelet endpoints"
    return web.Response(status=403, text=text)


def _tls(endpoint: KubeletEndpoint) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cafile=endpoint.client_ca_file)
    except OSError as error:  # which an SSLError is too
        what = f"the authority of the kubelet's clients cannot be read from {endpoint.client_ca_file}"
        raise ConfigurationError(f"{what}: {_reason(error, 'it holds no PEM certificate')}") from error
    try:
        context.load_cert_chain(endpoint.cert_file, endpoint.key_file)
    except OSError as error:
        what = f"the kubelet's certificate cannot be read from {endpoint.cert_file} and {endpoint.key_file}"
        reason = _reason(error, "they hold no PEM certificate and its key")
        raise ConfigurationError(f"{what}: {reason}") from error
    return context


def _reason(error: OSError, unreadable: str) -> str:
    return unreadable if isinstance(error, ssl.SSLError) else str(error.strerror)
