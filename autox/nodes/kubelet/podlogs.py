"""Sends a log as the kubelet does: ``/containerLogs/NAMESPACE/POD/CONTAINER``, whole lines as they come."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from aiohttp import web

PATH = "/containerLogs/{namespace}/{pod}/{container}"


async def send_log(request: web.Request, log: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    """Answer with the pieces of a log; an error before the first of them becomes the answer instead."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    async with aclosing(log) as pieces:
        # NB: the first piece before the headers, so that a log which cannot be read is an error and not empty.
        first = await anext(pieces, b"")
        with suppress(ConnectionResetError):  # the reader went away, as ``kubectl logs | head`` does
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
    return response
