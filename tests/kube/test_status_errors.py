"""One error vocabulary: whatever a server answers, the caller meets one of our errors that says what to do."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.transport import Limits
from autox.model import errors
from autox.model.refs import CONFIG_MAPS, PODS, SECRETS
from tests.kube.hostile import listing, named, serving, status


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", errors.InvalidError),
        (401, "Unauthorized", errors.UnauthorizedError),
        (403, "Forbidden", errors.ForbiddenError),
        (404, "NotFound", errors.NotFoundError),
        (405, "MethodNotAllowed", errors.InvalidError),
        (408, "Timeout", errors.DeadlineError),
        (409, "AlreadyExists", errors.AlreadyExistsError),
        (409, "Conflict", errors.ConflictError),
        (409, "", errors.ConflictError),
        (410, "Expired", errors.ExpiredError),
        (410, "Gone", errors.ExpiredError),
        (413, "RequestEntityTooLarge", errors.InvalidError),
        (415, "UnsupportedMediaType", errors.InvalidError),
        (422, "Invalid", errors.InvalidError),
        (429, "TooManyRequests", errors.TooManyRequestsError),
        (500, "InternalError", errors.ServerError),
        (502, "", errors.ServerError),
        (503, "ServiceUnavailable", errors.ServerError),
        (504, "Timeout", errors.DeadlineError),
        (302, "", errors.ServerError),
        (599, "", errors.ServerError),
    ],
)
async def test_each_status_has_its_error(code: int, reason: str, expected: type[Exception]) -> None:
    """HTTP status and reason decide the kind of error; the server's message is kept."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return status(code, reason, "because")

    async with serving(handler) as kube:
        with pytest.raises(expected, match="GET pods default/web: because") as caught:
            await kube.get(PODS, "web", namespace="default")

    assert type(caught.value) is expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"42",
        b"<html>welcome</html>",
        b"{",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=["empty", "null", "list", "number", "html", "half", "nan", "binary", "deep-list", "deep-object"],
)
async def test_an_answer_that_is_no_object(body: bytes) -> None:
    """Anything but a JSON object is a server's error, whatever the status says."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError, match="JSON"):
            await kube.get(PODS, "web", namespace="default")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"\xff" * 10, b'{"kind":"Status","message":7}', b'{"kind":"Status","details":[]}', b"[" * 99_999],
)
async def test_a_refusal_that_is_no_status(body: bytes) -> None:
    """A refusal with garbage inside is still the error that its HTTP status says."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=403, content_type="text/html")

    async with serving(handler) as kube:
        with pytest.raises(errors.ForbiddenError, match="the server answered 403"):
            await kube.get(PODS, "web", namespace="default")


async def test_plain_text_is_quoted_in_one_line() -> None:
    """A health check's own words are worth having, without their control characters."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text="[+]ping ok\n[-]etcd failed\x1b[31m\n" + "x" * 10_000, status=500)

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError) as caught:
            await kube.read("/readyz")

    assert caught.value.message.startswith("GET /readyz: [+]ping ok [-]etcd failed [31m xxx")
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    "items",
    [{"a": 1}, "x", [1], [None], [[]]],
)
async def test_a_list_that_is_none(items: Any) -> None:
    """A list of something else is a server's error."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": items})

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError):
            await kube.list(PODS)


async def test_an_empty_list_may_be_null() -> None:
    """Go writes an empty list as null."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": None})

    async with serving(handler) as kube:
        found = await kube.list(PODS)

    assert (found.items, found.resource_version) == ([], "7")


async def test_pages_that_expire_are_listed_again() -> None:
    """A continue token that expired half-way begins the listing anew, and nothing is there twice."""
    asked: list[tuple[str | None, str | None]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        token = request.query.get("continue")
        asked.append((request.query.get("limit"), token))
        if token is not None:
            return status(410, "Expired")
        if "limit" in request.query:
            return listing(named("a"), following="t")
        return listing(named("a"), named("b"))

    async with serving(handler) as kube:
        found = await kube.list(PODS, chunk=1)

    assert [item["metadata"]["name"] for item in found.items] == ["a", "b"]
    assert asked == [("1", None), ("1", "t"), ("1", None), ("1", "t"), (None, None)]


async def test_pages_without_end_end() -> None:
    """A server that gives the same continue token for ever is not followed for ever."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return listing(named("a"), following="again")

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError, match="again and again"):
            await kube.list(PODS)


async def test_patience_is_given_when_asked_for() -> None:
    """A request turned away with 429 is sent again as the server asked, a create too: it had not been done."""
    tries = 0

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        if tries < 3:
            return web.Response(status=429, headers={"Retry-After": "0"})
        return web.json_response({"kind": "ConfigMap"}, status=201)

    async with serving(handler) as kube:
        await kube.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, namespace="default")

    assert tries == 3


@pytest.mark.parametrize(
    ("header", "tries_expected", "seconds"),
    [("0", 5, 0.0), ("86400", 1, 86400.0), ("soon", 5, 0.0), ("-1", 5, 0.0), ("9" * 400, 5, 0.0), (None, 1, 0.0)],
)
async def test_patience_has_an_end(header: str | None, tries_expected: int, seconds: float) -> None:
    """Patience is bounded in number and length; the caller learns what the server asked for."""
    tries = 0

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return web.Response(status=429, headers={"Retry-After": header} if header else {})

    async with serving(handler) as kube:
        with pytest.raises(errors.TooManyRequestsError) as caught:
            await kube.get(PODS, "a", namespace="default")

    assert (tries, caught.value.retry_after) == (tries_expected, seconds)


async def test_a_server_that_is_overloaded_or_ending_asks_for_patience() -> None:
    """503 with Retry-After is the same error as 429, but a create is not tried again here: it may have been done."""
    tries = 0

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return web.Response(status=503, headers={"Retry-After": "1"})

    async with serving(handler) as kube:
        with pytest.raises(errors.TooManyRequestsError):
            await kube.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, namespace="default")

    assert tries == 1


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (504, "Timeout", "Too large resource version: 5655, current: 5632"),
        (503, "ServiceUnavailable", "the server is shutting down"),
        (500, "InternalError", "etcdserver: request timed out"),
    ],
)
async def test_a_read_is_tried_again_when_the_server_says_when(status: int, reason: str, message: str) -> None:
    """A list that a busy API server cannot answer for a second is listed; it was an error, and a run ended of it."""
    tries = 0

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        if tries < 3:
            told = {"kind": "Status", "reason": reason, "message": message, "code": status}
            return web.json_response(told, status=status, headers={"Retry-After": "0"})
        return listing(named("a"))

    async with serving(handler) as kube:
        found = await kube.list(PODS)

    assert [item["metadata"]["name"] for item in found.items] == ["a"]
    assert tries == 3


async def test_a_read_that_goes_on_failing_is_told_as_it_is() -> None:
    """Patience with reads has an end, too, and without a time to come back there is none."""
    tries = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        told = {"kind": "Status", "reason": "Timeout", "message": "too slow", "code": 504}
        headers = {} if request.path.endswith("/pods/b") else {"Retry-After": "0"}
        return web.json_response(told, status=504, headers=headers)

    async with serving(handler) as kube:
        with pytest.raises(errors.DeadlineError, match="too slow"):
            await kube.get(PODS, "a", namespace="default")
        assert tries == 5
        with pytest.raises(errors.DeadlineError):
            await kube.get(PODS, "b", namespace="default")

    assert tries == 6


@pytest.mark.parametrize("announced", [True, False])
async def test_an_answer_too_large_is_not_read(announced: bool) -> None:  # noqa: FBT001  - a parameter of the test
    """An answer beyond the limit is refused, whether it announces its size or not."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if announced:
            response.content_length = 1 << 40
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
        except ConnectionError:
            return response

    async with serving(handler, limits=Limits(answer_bytes=1 << 20)) as kube:
        with pytest.raises(errors.InvalidError, match="larger than 1 MiB"):
            await kube.get(PODS, "a", namespace="default")


async def test_a_refusal_too_large_is_cut() -> None:
    """An endless error page does not get read to its end."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError, match="answered 500"):
            await kube.get(PODS, "a", namespace="default")


async def test_a_truncated_answer() -> None:
    """A connection that breaks within the answer is Unreachable, not half an object."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b'{"kind": "Pod"')
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(handler) as kube:
        with pytest.raises(errors.UnreachableError, match="broke"):
            await kube.get(PODS, "a", namespace="default")


async def test_a_server_that_never_answers() -> None:
    """Waiting has an end."""

    async def handler(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    async with serving(handler, limits=Limits(request_seconds=0.2)) as kube:
        with pytest.raises(errors.DeadlineError):
            await kube.get(PODS, "a", namespace="default")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH\r\n", b"\x00" * 100, b"HTTP/9.9 banana\r\n\r\n", b""])
async def test_a_server_that_speaks_something_else(greeting: bytes) -> None:
    """Whatever listens there, the error is one of ours."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server, KubeClient(Connection(server=f"http://127.0.0.1:{port}", origin="a test")) as kube:
        with pytest.raises(errors.TransientError):
            await kube.get(PODS, "a", namespace="default")


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [None, {"x": [float("-inf")]}], "\ud800"],
    ids=["nan", "inf", "nested", "surrogate"],
)
async def test_what_json_cannot_say_is_not_sent(value: Any) -> None:
    """NaN does not become null on its way, and broken text is the caller's error."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({})

    async with serving(handler) as kube:
        with pytest.raises(errors.InvalidError, match="JSON"):
            await kube.patch(CONFIG_MAPS, "a", {"data": {"x": value}}, namespace="default")


async def test_errors_about_secrets_quote_nothing() -> None:
    """A server that repeats what it was sent does not get a Secret into our error texts; fields are named."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return status(422, "Invalid", "data: hunter2", causes=[{"field": "data[key]", "message": "hunter2"}])

    async with serving(handler) as kube:
        with pytest.raises(errors.InvalidError) as caught:
            await kube.create(SECRETS, {"metadata": {"name": "a"}}, namespace="default")

    assert caught.value.message == "POST secrets default: Invalid data[key]"


async def test_a_redirect_is_not_followed() -> None:
    """Whoever redirects does not get our credentials sent elsewhere."""
    paths = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with serving(handler) as kube:
        with pytest.raises(errors.ServerError):
            await kube.get(PODS, "a", namespace="default")

    assert paths == ["/api/v1/namespaces/default/pods/a"]


async def test_a_name_stays_one_segment_on_the_wire() -> None:
    """Names are percent-encoded, so that they cannot add a path or a query."""
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.raw_path)
        return web.json_response({})

    async with serving(handler) as kube:
        await kube.get(PODS, "a/b?c#d%e ü", namespace="default", subresource="proxy/metrics")

    assert seen == ["/api/v1/namespaces/default/pods/a%2Fb%3Fc%23d%25e%20%C3%BC/proxy/metrics"]
