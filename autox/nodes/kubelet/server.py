"""Serves the endpoints of all nodes of an agent over HTTPS, to the API server and to whoever it says may ask.

A certificate of the cluster's authority alone is not enough, since every user may have one. The API server's own and
an administrator's are; for anybody else's, and for a bearer token, the API server is asked, if the provider gives
``reviews``. Without them, nobody else is heard at all: a node on the same machine as its API server can do so.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping

from autox.model.errors import AutoxError, ConfigurationError, InvalidError, NotFoundError, UnsupportedError
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet.access import ADMINISTRATORS, API_SERVER, Caller, bearer_token, caller_of, right_for
from autox.nodes.kubelet.places import Place, listening
from autox.nodes.kubelet.reviews import Reviews
from autox.wire.lightly import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)

NODE = web.RequestKey("node", str)
"""The name of the node that a request is about, for handlers; empty where all nodes share one place."""

_STATUSES: dict[type[AutoxError], int] = {NotFoundError: 404, UnsupportedError: 501, InvalidError: 400}
_SHUTDOWN_SECONDS = 0.5  # for answers under way; whoever follows a log is cut off after it
_KEPT = 128  # connections that are kept open; a scraper of thousands of nodes would fill the memory with idle ones


class KubeletServer:
    """``/healthz`` and what a provider serves beside it; everything else that streams is refused plainly."""

    def __init__(
        self,
        endpoint: KubeletEndpoint,
        routes: Iterable[web.AbstractRouteDef],
        *,
        places: Mapping[Place, str] | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        """Prepare; nothing listens before ``run``.

        Args:
            endpoint: the certificates, and where to listen if there are no ``places``.
            routes: what the provider answers; an ``AutoxError`` that a handler raises becomes text.
            places: the name of each node by where it is asked.
            reviews: who else may ask; None for nobody.
        """
        self._endpoint = endpoint
        self._routes = tuple(routes)
        self._places = dict(places or {})
        self._reviews = reviews
        self._runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigurationError: the certificate files cannot be used, or an address cannot be listened on.
        """
        tls = _tls(self._endpoint, required=self._reviews is None)
        # NB: cancelling handlers is what ends a followed log when its reader goes away.
        runner = self._runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        opened: list[socket.socket] = []
        try:
            opened = listening(self._places or [(self._endpoint.address, self._endpoint.port)])
            for one in opened:
                await web.SockSite(runner, one, ssl_context=tls).start()
            _LOG.info("kubelet endpoints at https://%s:%d", self._endpoint.address, self._endpoint.port)
            await asyncio.Event().wait()
        finally:
            connections = [] if runner.server is None else [each.transport for each in runner.server.connections]
            await runner.cleanup()
            # NB: with TLS the other side has to agree to an end, for which asyncio waits for half a minute. An API
            # server to which SPDY was refused never does.
            for connection in filter(None, connections):
                connection.abort()
            for one in opened:
                one.close()

    def _application(self) -> web.Application:
        application = web.Application(
            middlewares=[self._few_stay, _errors_as_text, self._about_a_node, self._only_who_may]
        )
        application.router.add_get("/healthz", _healthz)
        application.router.add_routes(self._routes)
        for verb in ("exec", "attach", "portForward", "run"):
            application.router.add_route("*", f"/{verb}/{{rest:.*}}", _unsupported)
        return application

    @web.middleware
    async def _few_stay(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        server = self._runner.server if self._runner is not None else None
        if server is not None and len(server.connections) > _KEPT:
            response.force_close()
        return response

    @web.middleware
    async def _about_a_node(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        node = ""
        if self._places:
            address, port = request.get_extra_info("sockname")
            if (address, port) not in self._places:
                raise NotFoundError(f"no node of this agent is at {address}:{port}")
            node = self._places[address, port]
        request[NODE] = node
        return await handler(request)

    @web.middleware
    async def _only_who_may(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = caller_of(request.get_extra_info("peercert")) or await self._owner_of_token(request)
        if caller is None:
            return web.Response(status=401, text="Unauthorized")
        if caller.is_trusted:
            return await handler(request)
        if self._reviews is None:
            text = f"only {API_SERVER} and members of {ADMINISTRATORS} may use the kubelet endpoints"
            return web.Response(status=403, text=text)
        right, node = right_for(request.method, request.path), request[NODE]
        if await self._reviews.allows(caller, right, node=node):
            return await handler(request)
        on = " or ".join(f"nodes/{subresource}" for subresource in right.subresources)
        return web.Response(status=403, text=f"{caller.name} may not {right.verb} {on} of {node}")

    async def _owner_of_token(self, request: web.Request) -> Caller | None:
        token = bearer_token(request.headers.get("Authorization", ""))
        return await self._reviews.caller(token) if self._reviews is not None and token else None


async def _healthz(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


async def _unsupported(request: web.Request) -> web.StreamResponse:
    verb = {"portForward": "port-forward"}.get(request.path.split("/")[1], request.path.split("/")[1])
    raise UnsupportedError(f"{verb} is not supported by these nodes")


@web.middleware
async def _errors_as_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AutoxError as error:
        return web.Response(status=_STATUSES.get(type(error), 500), text=error.message)


def _tls(endpoint: KubeletEndpoint, *, required: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
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
