"""``autox nodes status`` as a user runs it, with agents that answer, that do not, and with what is no agent."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from autox.cli.commands.nodestatus import look
from autox.model.addresses import Address
from autox.nodes.agent.status_server import StatusServer
from tests.clusters import Done
from tests.inside import autox
from tests.kube.apiserver import free_port
from tests.mock.agents import eventually
from tests.nodes.figures import agent_figures

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def status(*argv: str) -> Done:
    """Run ``autox nodes status ARGV…`` to its end."""
    return await asyncio.to_thread(autox, "nodes", "status", *argv, environ={})


@pytest.fixture
async def agent() -> AsyncIterator[str]:
    """What a real agent answers with, about chosen figures; where it does."""
    address = Address(host="127.0.0.1", port=free_port())
    uptime = iter(range(100, 10_000))
    telling = asyncio.create_task(
        StatusServer(address, lambda: agent_figures(uptime_seconds=float(next(uptime)))).run()
    )
    async with aiohttp.ClientSession() as session:

        async def answers() -> bool:
            return (await look(session, address)).figures is not None

        await eventually(answers)
    yield str(address)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


async def test_a_table_of_one_agent(agent: str) -> None:
    """Once, on standard output, without a control character, and with the exit code 0."""
    done = await status("--listen", agent)

    assert (done.code, done.err) == (0, "")
    assert done.out.count(f"\n{agent}") == 2
    assert "total" not in done.out
    assert done.out.replace("\n", "").isprintable()


async def test_an_agent_that_is_named_twice_counts_once(agent: str) -> None:
    """A total would be wrong."""
    assert "total" not in (await status("--listen", agent, "--listen", agent)).out


async def test_json_is_what_the_agent_says(agent: str) -> None:
    """For scripts: one document, with every figure under its name."""
    done = await status("--listen", agent, "-o", "json")
    (told,) = json.loads(done.out)["agents"]

    assert (done.code, told["address"], told["trouble"]) == (0, agent, "")
    assert told["figures"]["pods"]["running"] == 20
    assert told["figures"]["leases"]["oldest_seconds"] == 9.5


@pytest.mark.parametrize("output", ["text", "json"])
async def test_no_agent(output: str) -> None:
    """Exit code 3, what is wrong, and how to start one."""
    address = f"127.0.0.1:{free_port()}"
    done = await status("--listen", address, "-o", output)

    assert done.code == 3
    assert f"error: no agent of virtual nodes answers at {address}: nobody listens there" in done.err
    assert f"hint: start one with: autox nodes run --count 100 --listen {address}" in done.err
    assert done.out == ""


async def test_one_of_two_agents_is_away(agent: str) -> None:
    """The other is shown all the same; a script learns by the exit code that something is missing."""
    away = f"127.0.0.1:{free_port()}"
    done = await status("--listen", agent, "--listen", away)

    assert done.code == 3
    assert done.out.count(f"\n{agent}") == 2
    assert f"{away}: nobody listens there" in done.out


async def test_watching_without_any_agent() -> None:
    """It does not wait for one that may never come."""
    done = await status("--watch", "--listen", f"127.0.0.1:{free_port()}")

    assert (done.code, done.out) == (3, "")


@pytest.mark.parametrize("output", ["text", "json"])
async def test_watching_goes_on_until_ctrl_c(agent: str, output: str) -> None:
    """Look after look, in a file one below the other, and Ctrl-C is no error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autox", "nodes", "status", "--watch", "--listen", agent, "-o", output),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    looks = 0
    while looks < 2:
        line = (await process.stdout.readline()).decode()
        looks += line.startswith(("server ", '{"agents": '))
        assert line, "it ended by itself"
    process.send_signal(signal.SIGINT)
    rest, err = await process.communicate()

    assert (await process.wait(), err) == (0, b"")
    assert b"\x1b" not in rest


@pytest.mark.parametrize(
    "argv",
    [("--listen", "nowhere"), ("--listen", ""), ("--listen", "127.0.0.1:99999"), ("-o", "yaml"), ("--wach",)],
    ids=" ".join,
)
async def test_a_mistake_is_named(argv: tuple[str, ...]) -> None:
    """With exit code 2 and no traceback."""
    done = await status(*argv)

    assert (done.code, done.out) == (2, "")
    assert argv[0] in done.err or "ADDRESS:PORT" in done.err
    assert "Traceback" not in done.err


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[Address]:
    """A server that answers every request so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield Address(host=host, port=port)


def saying(data: bytes) -> Answer:
    """An answer of these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def silent(_writer: asyncio.StreamWriter) -> None:
    """No answer."""
    await asyncio.Event().wait()


def with_body(body: bytes) -> Answer:
    """An answer with this body."""
    return saying(OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (saying(b""), "speaks no HTTP, or broke off"),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), "speaks no HTTP, or broke off"),
        (saying(OK + b'Content-Length: 100\r\n\r\n{"version"'), "speaks no HTTP, or broke off"),
        (saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "no agent of virtual nodes"),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), "no agent of virtual nodes"),
        (with_body(b""), "no agent of this version of autox"),
        (with_body(b"<html>"), "no agent of this version of autox"),
        (with_body(b"\xff\xfe"), "no agent of this version of autox"),
        (with_body(b"{}"), "no agent of this version of autox"),
        (with_body(b"NaN"), "no agent of this version of autox"),
        (with_body(b"[" * 100_000), "no agent of this version of autox"),
        (with_body(b'{"version": 1}'), "no agent of this version of autox"),
        (endless, "no agent of this version of autox"),
        (silent, "no answer in"),
    ],
)
async def test_what_is_no_agent(answer: Answer, words: str) -> None:
    """Whatever answers there, it is told in words, and nothing is read without end."""
    async with answering(answer) as address, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
        seen = await look(session, address)

    assert seen.figures is None
    assert words in seen.trouble
