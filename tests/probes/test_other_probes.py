"""The exec and tcpSocket probes, and what is not supported."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from autox.kube.objects import Object
from autox.model.errors import AutoxError, DeadlineError, NotFoundError
from autox.nodes.probes.handlers import Exec, probe_once
from autox.nodes.probes.outcome import ProbeOutcome


def answering(code: int, output: bytes = b"") -> Exec:
    """A container in which every command ends like this."""

    async def exec_(_command: Sequence[str], _within: float) -> tuple[int, bytes]:
        return code, output

    return exec_


def failing(error: AutoxError) -> Exec:
    """A container in which no command can be run."""

    async def exec_(_command: Sequence[str], _within: float) -> tuple[int, bytes]:
        raise error

    return exec_


async def ask(probe: Object, exec_: Exec | None = None) -> ProbeOutcome:
    """One probe."""
    return await probe_once(probe, address="127.213.1.7", ports={}, exec_=exec_ or answering(1))


EXEC = {"exec": {"command": ["cat", "/tmp/healthy"]}}  # noqa: S108  - an example


async def test_a_command_decides_by_its_exit_code() -> None:
    """Its output is the message."""
    assert await ask(EXEC, answering(0, b"fine")) == ProbeOutcome(ok=True, message="fine")
    assert await ask(EXEC, answering(1, b"no such file")) == ProbeOutcome(ok=False, message="no such file")


async def test_a_command_gets_its_arguments_and_time() -> None:
    """As the probe says; one second if it does not."""
    seen: list[tuple[list[str], float]] = []

    async def exec_(command: Sequence[str], within: float) -> tuple[int, bytes]:
        seen.append((list(command), within))
        return 0, b""

    await ask(EXEC, exec_)
    await ask(EXEC | {"timeoutSeconds": 7}, exec_)

    assert seen == [(["cat", "/tmp/healthy"], 1.0), (["cat", "/tmp/healthy"], 7.0)]  # noqa: S108  - an example


async def test_output_is_cut_and_may_be_anything() -> None:
    """Ten KiB, and bytes that are no text do no harm."""
    outcome = await ask(EXEC, answering(1, b"\xff" * 50_000))

    assert outcome.message == "\N{REPLACEMENT CHARACTER}" * 10 * 1024


async def test_a_command_that_takes_too_long_fails() -> None:
    """It was killed, and the container did not answer in time."""
    assert await ask(EXEC, failing(DeadlineError("killed"))) == ProbeOutcome(
        ok=False, message="command timed out after 1 s"
    )


async def test_a_command_that_cannot_be_run_counts_for_nothing() -> None:
    """As in the kubelet: it says nothing of the container."""
    assert await ask(EXEC, failing(NotFoundError("no such command"))) == ProbeOutcome(
        ok=False, message="no such command", errored=True
    )


async def test_a_socket_that_accepts_is_healthy() -> None:
    """Nothing is sent."""
    with socket.create_server(("127.213.1.7", 0)) as server:
        probe = {"tcpSocket": {"port": server.getsockname()[1]}}

        assert await ask(probe) == ProbeOutcome(ok=True)

        await asyncio.sleep(0.01)  # the probe's socket is closed a turn of the loop later
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(1) == b""


async def test_a_socket_that_refuses_is_not() -> None:
    """With the reason."""
    with socket.create_server(("127.213.1.7", 0)) as server:
        port = server.getsockname()[1]

    assert await ask({"tcpSocket": {"port": port}}) == ProbeOutcome(
        ok=False, message=f"dial tcp 127.213.1.7:{port}: connection refused"
    )


async def test_a_socket_that_does_not_answer_is_not() -> None:
    """The queue of connections is full."""
    with socket.create_server(("127.213.1.7", 0), backlog=0) as server:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        port = server.getsockname()[1]

        assert await ask({"tcpSocket": {"port": port}}) == ProbeOutcome(
            ok=False, message=f"dial tcp 127.213.1.7:{port}: no connection within 1 s"
        )

        for filler in fillers:
            filler.close()


async def test_grpc_probes_are_refused_plainly() -> None:
    """Not silently passed."""
    assert await ask({"grpc": {"port": 80}}) == ProbeOutcome(
        ok=False, message="gRPC probes are not supported by the process node"
    )


@pytest.mark.parametrize("probe", [{}, {"periodSeconds": 3}])
async def test_a_probe_without_a_handler_counts_for_nothing(probe: Object) -> None:
    """The API server admits none, but an older object might be one."""
    assert (await ask(probe)).errored
