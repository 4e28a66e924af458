"""Task http: a load becomes metrics, notes and a sentence."""

import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from autox.api.tasks.measuring import maker
from autox.load.tally import unsendable
from autox.model.errors import ConfigurationError, UnreachableError
from autox.model.tasks import HttpInputs
from autox.tasks.http import run
from autox.tasks.httpfigures import findings
from autox.wire.failures import ExchangeError, FailureKind
from tests.http_task.contexts import context_with, metric, value
from tests.load.conftest import Tls
from tests.load.targets import HELLO, Seen, Writer, hello, reset, serving


async def test_good_target() -> None:
    """Every metric that an SLO may name is there, with its unit and its meaning."""
    async with serving(hello) as target:
        inputs = HttpInputs(
            url=f"http://localhost:{target.port}/get", qps=500, num_requests=100, percentiles=(50.0, 99.9)
        )
        findings = await run(inputs, context_with())

    assert (value(findings, "request-count"), value(findings, "error-count"), value(findings, "error-rate")) == (
        100,
        0,
        0,
    )
    names = [f"latency-{each}" for each in ("min", "p50", "mean", "p99.9", "max", "stddev")]
    assert {metric(findings, name).unit for name in names} == {"ms"}
    figures = {name: value(findings, name) or 0.0 for name in names}
    assert 0 < figures["latency-min"] <= figures["latency-p50"] <= figures["latency-p99.9"] <= figures["latency-max"]
    assert all(each.help.endswith(".") for each in findings.metrics)
    assert {maker(each.name) for each in findings.metrics if not each.buckets} == {"http"}
    distribution = metric(findings, "latency")
    assert (distribution.value, distribution.unit) == (100, "ms")
    assert sum(bucket.count for bucket in distribution.buckets) == 100
    assert findings.message.startswith("100 requests in ")
    assert target.requests[0].startswith(b"GET /get HTTP/1.1\r\nHost: localhost:")


async def test_payload_and_headers() -> None:
    """Method, headers and payload arrive as they were given."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with serving(answer) as target:
        inputs = HttpInputs(
            url=f"http://127.0.0.1:{target.port}/",
            method="POST",
            headers={"X-Token": "t0ken", "Host": "web.example"},
            payload=b"payload",
            num_requests=2,
        )
        findings = await run(inputs, context_with())

    assert value(findings, "error-count") == 0
    assert b"\r\nHost: web.example\r\n" in target.requests[0]
    assert b"\r\nX-Token: t0ken\r\n" in target.requests[0]
    assert b"\r\nContent-Length: 7\r\n" in target.requests[0]
    assert "t0ken" not in str(findings)


async def test_duration() -> None:
    """With a duration as many requests are sent as are due in it."""
    async with serving(hello) as target:
        url = f"http://localhost:{target.port}/"
        inputs = HttpInputs(url=url, qps=50, num_requests=None, duration=0.5, warmup_duration=0.1)
        findings = await run(inputs, context_with())

    assert value(findings, "request-count") == 25
    assert len(target.requests) == 30


async def test_refusing_target() -> None:
    """A target that refuses is a finding: all errors, no latency, and a note that says why."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    findings = await run(HttpInputs(url=f"http://127.0.0.1:{port}/", qps=100, num_requests=37), context_with())

    assert (value(findings, "error-count"), value(findings, "error-rate")) == (37, 1)
    told = (
        rf"37 of 37 requests were never sent: connection refused \(127\.0\.0\.1:{port}\); \d+ connections tried in vain"
    )
    assert re.fullmatch(told, findings.notes[0].text)
    assert (value(findings, "sent-count"), value(findings, "answer-count")) == (0, 0)
    latencies = [each for each in findings.metrics if "latency-" in each.name]
    assert [each.value for each in latencies] == [None] * 10
    assert {each.why for each in latencies} == {"none of 37 requests got a valid answer"}
    assert "no answer" in findings.message
    assert findings.fruitless == "none of 37 requests was answered"
    assert findings.invalid == ""


async def test_errors_of_both_kinds() -> None:
    """Notes tell how many requests failed, how, and which status codes came."""

    async def answer(seen: Seen, writer: Writer) -> None:
        if seen.number % 4 == 1:
            writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        elif seen.number == 10:
            writer.write(HELLO[:5])
            await writer.drain()
            reset(writer)
        else:
            writer.write(HELLO)

    async with serving(answer) as target:
        inputs = HttpInputs(url=f"http://localhost:{target.port}/", qps=500, num_requests=20, connections=1)
        findings = await run(inputs, context_with())

    assert value(findings, "error-count") == 6
    assert value(findings, "error-rate") == pytest.approx(0.3)
    assert "1 of 20 requests that were sent failed: connection reset" in findings.notes[0].text
    assert (value(findings, "request-count"), value(findings, "sent-count"), value(findings, "answer-count")) == (
        20,
        20,
        19,
    )
    assert findings.message.startswith("20 requests in ")
    assert "6 errors (30 % of all), p99 infinitely late, longest answer" in findings.message
    assert metric(findings, "latency-p99").why == "p99 falls on one of the 1 of 20 requests that got no valid answer"
    assert metric(findings, "latency-mean").why == "1 of 20 requests got no valid answer"
    assert metric(findings, "latency-p50").value
    assert "status codes: 14 x 200, 5 x 500" in [note.text for note in findings.notes]


async def test_progress() -> None:
    """Whoever waits for a long run is told how far it is."""
    said: list[str] = []
    async with serving(hello) as target:
        inputs = HttpInputs(url=f"http://localhost:{target.port}/", qps=40, num_requests=100)
        await run(inputs, context_with(said=said))

    assert said
    assert said[0].endswith("of 100 requests")


async def test_trust_of_the_machine(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over https the machine's authorities decide whom to trust."""
    async with serving(hello, tls=tls.server) as target:
        inputs = HttpInputs(url=f"https://localhost:{target.port}/", qps=100, num_requests=5)
        untrusted = await run(inputs, context_with())
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))
        trusted = await run(inputs, context_with())

    assert value(untrusted, "error-count") == 5
    assert "TLS failed" in untrusted.notes[0].text
    assert value(trusted, "error-count") == 0


async def test_trust_beside_the_machine_s(
    tls: Tls, others: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle adds to whom the machine trusts; SSL_CERT_FILE, the only way there was, takes all the others away."""
    monkeypatch.setenv("SSL_CERT_FILE", str(others.authority))
    bundle = tmp_path / "ca.crt"
    bundle.write_text(f"# the company's\n{tls.authority.read_text()}")
    async with serving(hello, tls=tls.server) as own, serving(hello, tls=others.server) as machines:
        inputs = [
            HttpInputs(url=f"https://localhost:{each.port}/", qps=100, num_requests=5) for each in (own, machines)
        ]
        before = [value(await run(each, context_with()), "error-count") for each in inputs]
        after = [value(await run(each, context_with(bundle=bundle)), "error-count") for each in inputs]

    assert (before, after) == ([5, 0], [0, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot read .*: No such file"), ("", "holds no PEM certificate"), ("rubbish", "holds no PEM certificate")],
)
async def test_a_bundle_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    """A bundle that is not there, or is none, fails the task by its name: nothing was tested."""
    bundle = tmp_path / "ca.crt"
    if text is not None:
        bundle.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        await run(HttpInputs(url="https://localhost:1/"), context_with(bundle=bundle))


async def test_unknown_host() -> None:
    """A host that nobody knows is a failure of the task that names it: nothing was tested."""
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid"):
        await run(HttpInputs(url="http://no-such-host.invalid/"), context_with())


@pytest.mark.parametrize("url", ["http://" + "a" * 300 + "/", "http://a..b/"])
async def test_no_host(url: str) -> None:
    """What can be no host's name is told as an error of ours, not as a defect."""
    with pytest.raises((UnreachableError, ConfigurationError)):
        await run(HttpInputs(url=url), context_with())


@pytest.mark.parametrize("invalid", ["", "the load generator was short of CPU"])
def test_whose_fault_it_is(invalid: str) -> None:
    """Where the generator was the limit the target was called too slow in the same breath."""
    result = replace(unsendable(40, ExchangeError(FailureKind.TIMEOUT, "timeout")), waiting=0.9, invalid=invalid)

    told = [note.text for note in findings(result, HttpInputs(url="http://web/", connections=1)).notes]

    assert any("the target is too slow" in text for text in told) == (not invalid)
    assert any("over 1 connection, which carried 0.0 a second" in text for text in told) == (not invalid)


async def test_one_request() -> None:
    """Its percentiles are its latency, and say so; a deviation of 0 ms met every limit."""
    async with serving(hello) as target:
        findings = await run(HttpInputs(url=f"http://localhost:{target.port}/", num_requests=1), context_with())

    assert findings.message.startswith("1 request in ")
    assert metric(findings, "latency-p50").caveat == "max of 1"
    assert (value(findings, "latency-stddev"), metric(findings, "latency-stddev").why) == (None, "one request has none")
