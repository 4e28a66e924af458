"""Whatever a target does, the run ends with a verdict that says why."""

import asyncio
from pathlib import Path

import pytest

from autox.model.verdict import Verdict
from tests.kube.apiserver import free_port
from tests.load.targets import Answer, Seen, Writer, hello, reset, saying, serving
from tests.running.commands import document, printed, run

LATENCY = {"upper": {"http/latency-mean": 50}}


async def stall(_seen: Seen, _writer: Writer) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def hang_up(_seen: Seen, writer: Writer) -> None:
    """Reset the connection."""
    reset(writer)


async def test_a_good_target(tmp_path: Path) -> None:
    """A target that answers well and fast passes."""
    async with serving(hello) as target:
        done = await run("-f", str(document(tmp_path, f"http://127.0.0.1:{target.port}/")), "-o", "json")

    assert (done.code, printed(done).verdict, printed(done).reason) == (0, Verdict.PASS, "SLOsMet")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(stall, "no complete answer in time", id="stalls"),
        pytest.param(hang_up, "reset", id="resets"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.9\r\n", close=True), "HTTP", id="speaks-something-else"),
        pytest.param(saying(b"\x00\xff" * 50_000, close=True), "HTTP", id="sends-garbage"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", close=True), "closed", id="breaks-off"
        ),
    ],
)
async def test_targets_that_give_no_answer(answer: Answer, why: str, tmp_path: Path) -> None:
    """A target that stalls, resets or sends garbage has missed its SLO on errors; one on latency alone has no data."""
    async with serving(answer) as target:
        url = f"http://127.0.0.1:{target.port}/"
        failed = await run("-f", str(document(tmp_path, url)), "-o", "json")
        unknown = await run("-f", str(document(tmp_path, url, slos=LATENCY)), "-o", "json")

    assert (failed.code, printed(failed).verdict, printed(failed).reason) == (1, Verdict.FAIL, "SLONotMet")
    assert (unknown.code, printed(unknown).verdict, printed(unknown).reason) == (3, Verdict.NO_DATA, "NoAnswers")
    for done in (failed, unknown):
        assert "requests that were sent failed" in printed(done).message
        assert why in printed(done).message


async def test_a_target_that_refuses(tmp_path: Path) -> None:
    """Where nobody listens the verdict says so."""
    done = await run("-f", str(document(tmp_path, f"http://127.0.0.1:{free_port()}/", slos=LATENCY)), "-o", "json")

    assert (done.code, printed(done).verdict, printed(done).reason) == (3, Verdict.NO_DATA, "NoAnswers")
    assert "connection refused" in printed(done).message


async def test_a_target_that_nobody_knows(tmp_path: Path) -> None:
    """A host that does not exist is an error of the task, and the rest is skipped."""
    done = await run("-f", str(document(tmp_path, "http://nowhere.invalid/")), "-o", "json")

    assert (done.code, printed(done).verdict, printed(done).reason) == (3, Verdict.ERROR, "TaskFailed")
    assert "nowhere.invalid" in printed(done).message


async def test_a_target_that_is_broken(tmp_path: Path) -> None:
    """A target that answers with errors has missed its SLO, and the verdict says with which."""
    broken = saying(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    async with serving(broken) as target:
        done = await run("-f", str(document(tmp_path, f"http://127.0.0.1:{target.port}/")), "-o", "json")

    assert (done.code, printed(done).verdict) == (1, Verdict.FAIL)
    assert "503" in printed(done).message


async def test_a_target_that_is_slow(tmp_path: Path) -> None:
    """A slow target fails by the latency that was observed."""

    async def slow(_seen: Seen, writer: Writer) -> None:
        await asyncio.sleep(0.1)
        await hello(_seen, writer)

    async with serving(slow) as target:
        url = f"http://127.0.0.1:{target.port}/"
        done = await run("-f", str(document(tmp_path, url, qps=20, timeout="10s")), "-o", "json")

    assert (done.code, printed(done).reason) == (1, "SLONotMet")
    assert "above the limit of 50 ms" in printed(done).message
