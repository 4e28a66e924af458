"""``/containerLogs/NAMESPACE/POD/CONTAINER`` as the kubelet has it: what of a log is wanted, and how it is sent.

The kubelet answers 422 to some wrong values of a query and 400 to others; here all are 400, because that is the only
status of which the API server passes the text on to ``kubectl``. Where a log comes from is each provider's business.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from datetime import datetime

from autox.model.errors import InvalidError, UnsupportedError
from autox.nodes.kubelet.logs import LogOptions
from autox.wire.lightly import web

PATH = "/containerLogs/{namespace}/{pod}/{container}"
_INT64_MAX = 2**63 - 1


def log_options(query: Mapping[str, str], *, now: float) -> LogOptions:
    """The options of ``/containerLogs``; ``previous`` is not among them, see ``wants_previous``.

    Args:
        query: parameters with the names of the API's PodLogOptions; unknown ones are ignored.
        now: epoch seconds, from which ``sinceSeconds`` counts.

    Raises:
        InvalidError: a value that makes no sense.
        UnsupportedError: only one of the two output streams is wanted.
    """
    if query.get("stream", "All") != "All":
        raise UnsupportedError("logs of a single output stream are not supported by autox")
    if "sinceTime" in query and "sinceSeconds" in query:
        raise InvalidError("at most one of sinceTime or sinceSeconds may be specified")
    since_seconds = _number(query, "sinceSeconds", least=1)
    # NB: tail is the name that tailLines had in the first kubelets, and some clients still use it.
    tail = {"tailLines": query["tail"]} if query.get("tail", "all") != "all" else query
    return LogOptions(
        follow=_flag(query, "follow"),
        tail_lines=_number(tail, "tailLines", least=0),
        since=_time(query, "sinceTime") if since_seconds is None else now - since_seconds,
        timestamps=_flag(query, "timestamps"),
        limit_bytes=_number(query, "limitBytes", least=1),
    )


def wants_previous(query: Mapping[str, str]) -> bool:
    """Whether the log of the attempt before the latest is wanted."""
    return _flag(query, "previous")


def _flag(query: Mapping[str, str], name: str) -> bool:
    # NB: the API's own rule: anything but "false" and "0" is true, an empty value too.
    return name in query and query[name].lower() not in {"false", "0"}


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    # NB: bounded before it is converted, since int() of a million digits takes long.
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or abs(int(text)) > _INT64_MAX:
        raise InvalidError(f"{name} must be an integer, not {text[:50]!r}")
    if int(text) < least:
        raise InvalidError(f"{name} must be at least {least}, not {text}")
    return int(text)


def _time(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise InvalidError(f"{name} must be a time such as 2026-01-02T03:04:05Z, not {text[:50]!r}")


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
