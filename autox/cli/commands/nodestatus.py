"""``autox nodes status``: what running agents of virtual nodes are doing, once or again and again.

It asks the agents, not the API server: what a table of Node objects shows is ``kubectl get nodes``. What is shown is
made next door, in ``nodetable``.
"""

import asyncio
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import click
import msgspec

from autox.cli.commands.nodetable import Look, screen
from autox.cli.parts.repainting import Repainted
from autox.model.addresses import Address, parse_address
from autox.model.errors import AutoxError, UnreachableError
from autox.nodes.agent.figures import AgentFigures
from autox.wire.lightly import aiohttp

_LIMIT_BYTES = 1 << 20
_ANSWER_SECONDS = 5.0
_GLANCE_SECONDS = 1.0  # between the two looks that rates are taken from
_REFRESH_SECONDS = 2.0

_FIGURES = msgspec.json.Decoder(AgentFigures)


def show(listens: Sequence[str], *, is_watching: bool, is_json: bool) -> None:
    """Show what the agents do that listen there, once, or until Ctrl-C.

    Args:
        listens: ``ADDRESS:PORT`` each; the same one again counts once.
        is_watching: look every two seconds until Ctrl-C.
        is_json: JSON, not a table, and on one line for each look if there are several.

    Raises:
        ConfigurationError: one of them is no address.
        UnreachableError: no agent answers there.
    """
    # NB: the same agent twice would count twice in the total.
    addresses = list(dict.fromkeys(map(parse_address, listens)))
    shown = _shown_as_json(is_line=is_watching) if is_json else _shown_as_text()
    if not is_watching:
        asyncio.run(_once(addresses, shown, seconds=0.0 if is_json else _GLANCE_SECONDS))
        return
    with suppress(KeyboardInterrupt):
        asyncio.run(_follow(addresses, shown))


Show = Callable[[Sequence[Look], Sequence[Look]], None]


def _shown_as_text() -> Show:
    place = Repainted(sys.stdout)
    return lambda before, now: place.show(screen(before, now))


def _shown_as_json(*, is_line: bool) -> Show:
    def show(_before: Sequence[Look], now: Sequence[Look]) -> None:
        agents = [
            {"address": each.address, "figures": msgspec.to_builtins(each.figures), "trouble": each.trouble}
            for each in now
        ]
        click.echo(json.dumps({"agents": agents}, indent=None if is_line else 2))

    return show


async def _once(addresses: Sequence[Address], show: Show, *, seconds: float) -> None:
    """Show the agents once, after two looks if there is time between them.

    Raises:
        UnreachableError: one does not answer; the others were shown.
    """
    async with _session() as session:
        before = now = await _looks(session, addresses)
        if seconds and any(each.figures for each in now):
            await asyncio.sleep(seconds)
            now = await _looks(session, addresses)
    if any(each.figures for each in now):
        show(before, now)
    _insist(now)


async def _follow(addresses: Sequence[Address], show: Show) -> None:
    """Show the agents again and again.

    Raises:
        UnreachableError: none answers at first; later they may come and go.
    """
    before: list[Look] = []
    async with _session() as session:
        while True:
            now = await _looks(session, addresses)
            if not before and not any(each.figures for each in now):
                _insist(now)
            show(before, now)
            before = now
            await asyncio.sleep(_REFRESH_SECONDS)


def _insist(looks: Sequence[Look]) -> None:
    missing = [each for each in looks if each.figures is None]
    if missing:
        first = missing[0]
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UnreachableError(
            f"no agent of virtual nodes answers at {first.address}{others}: {first.trouble}",
            hint=f"start one with: autox nodes run --count 100 --listen {first.address}",
        )


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))


async def _looks(session: aiohttp.ClientSession, addresses: Sequence[Address]) -> list[Look]:
    return list(await asyncio.gather(*(look(session, each) for each in addresses)))


async def look(session: aiohttp.ClientSession, address: Address) -> Look:
    """What one agent says, or why it says nothing."""
    try:
        return Look(address=str(address), figures=await _figures(session, address))
    except AutoxError as error:
        return Look(address=str(address), trouble=error.message)


async def _figures(session: aiohttp.ClientSession, address: Address) -> AgentFigures:
    try:
        async with session.get(f"http://{address}/status", allow_redirects=False) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > _LIMIT_BYTES:
                    break
            if answer.status == 200:
                return _FIGURES.decode(body)
    except TimeoutError as error:
        raise UnreachableError(f"no answer in {_ANSWER_SECONDS:.0f} s") from error
    except OSError as error:  # which most errors of the client are, too
        raise UnreachableError(_reason(error)) from error
    except aiohttp.ClientError as error:
        raise UnreachableError("what is there speaks no HTTP, or broke off") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreachableError("what is there is no agent of this version of autox") from error
    raise UnreachableError("what is there is no agent of virtual nodes")


def _reason(error: OSError) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if cause.errno == errno.ECONNREFUSED:
        return "nobody listens there"
    # NB: asyncio words some of them by itself, with the address once more.
    if cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    return cause.strerror or "the connection broke"
