"""What HTTP load costs beside wrk, and whether its latencies are true.

    python -m benchmarks.bench_http

Cost: CPU time, user and system, of the generator's process for each request, everything else excluded, at the rate
that it reaches over 32 connections against one small server on loopback. The generators take turns, the best round
of each counts. Without ``wrk`` on the PATH ours is measured alone.

Truth: a server with latencies of its own choosing, which stops answering for one second and notes by its own clock
when it answered each request. Since requests are due by a schedule, that gives what a user would have felt; beside it
stand the measured percentiles. Takes about a minute.
"""

import argparse
import asyncio
import heapq
import json
import math
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from typing import Any, cast

import uvloop

from autox.load.http import HttpGenerator, HttpLoad
from autox.load.tally import HttpLoadResult
from autox.load.timerfd import TimerFd
from autox.wire.connecting import Address
from autox.wire.requests import encode_request
from autox.wire.urls import parse_url

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world!"
CONNECTIONS = 32
SECONDS = 4
ROUNDS = 3
REQUESTS = 250_000
BEYOND = 10_000_000.0
"""A rate that no generator reaches: then some request is always due."""

QPS, COUNT = 500.0, 12_500
STALL_AT, STALL_SECONDS = 8.0, 1.0
TRUE_CONNECTIONS = 700  # more than are due in the stall
PERCENTS = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


def delays() -> list[float]:
    """The seconds that the server takes for each request: 20 ms in the middle, some twice that."""
    source = random.Random(4)  # noqa: S311  - no secret
    return [0.02 * math.exp(source.gauss(0, 0.25)) for _ in range(COUNT)]


class Fast(asyncio.Protocol):
    """Answers whatever comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  - the protocol's
        """Answer; a request of a benchmark comes in one piece."""
        self.transport.write(ANSWER)


class Timed:
    """Answers each request when it is time, by the kernel's fine timer, and notes when."""

    def __init__(self) -> None:
        self._delays = delays()
        self._waiting: list[tuple[float, int, asyncio.Transport]] = []
        self._timer = TimerFd(self._answer)
        self._arrived: list[float] = []
        self._answered: dict[int, float] = {}

    def take(self, transport: asyncio.Transport) -> None:
        """A request came; the n-th to come is the n-th that was due, since they are sent in order."""
        now = time.monotonic()
        number = len(self._arrived)
        self._arrived.append(now)
        at = now + self._delays[number]
        if STALL_AT <= at - self._arrived[0] < STALL_AT + STALL_SECONDS:
            at = self._arrived[0] + STALL_AT + STALL_SECONDS
        heapq.heappush(self._waiting, (at, number, transport))
        self._timer.set(self._waiting[0][0])

    def latencies(self) -> list[float]:
        """From when each request was due, ascending; the schedule began when the least late request says it did."""
        began = min((at - number / QPS for number, at in enumerate(self._arrived)), default=0.0)
        return sorted(at - began - number / QPS for number, at in self._answered.items())

    def _answer(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, number, transport = heapq.heappop(self._waiting)
            transport.write(ANSWER)
            self._answered[number] = time.monotonic()
        if self._waiting:
            self._timer.set(self._waiting[0][0])


class Slow(Fast):
    """Answers when ``timed`` says."""

    def __init__(self, timed: Timed) -> None:
        self._timed = timed

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  - the protocol's
        """Have it answered in time."""
        self._timed.take(self.transport)


async def serve(kind: str) -> None:
    """Serve until standard input ends; says the port first and the latencies last."""
    loop = asyncio.get_running_loop()
    timed = Timed()
    made = Fast if kind == "fast" else lambda: Slow(timed)
    server = await loop.create_server(made, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(timed.latencies()), flush=True)


async def generate(port: int, *, qps: float, connections: int, count: int) -> dict[str, Any]:
    """Our figures, of this process."""
    url = parse_url(f"http://127.0.0.1:{port}/")
    load = HttpLoad(
        request=encode_request(url),
        destinations=((Address(url.host, url.port),),),
        qps=qps,
        connections=connections,
        count=count,
        timeout=60.0,
    )
    before = cpu_seconds(resource.RUSAGE_SELF)
    result = await HttpGenerator(load).run()
    return {
        "cpu": (cpu_seconds(resource.RUSAGE_SELF) - before) / result.requests,
        "rate": result.achieved,
        "errors": result.errors,
        "invalid": result.invalid,
        "percentiles": percentiles(result),
        "above": sum(bucket.count for bucket in result.latency.buckets() if bucket.lower >= STALL_SECONDS / 2),
    }


def percentiles(result: HttpLoadResult) -> list[float]:
    """Seconds, as ``PERCENTS``."""
    return [result.latency.percentile(percent) or math.nan for percent in PERCENTS]


def cpu_seconds(who: int) -> float:
    """User and system time."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def command(*argv: str) -> list[str]:
    """This program in a process of its own."""
    return [sys.executable, "-m", "benchmarks.bench_http", *argv]


class Server:
    """A server in a process of its own."""

    def __init__(self, kind: str) -> None:
        argv = command("--serve", kind)
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(cast("Any", self._process.stdout).readline())

    def stop(self) -> list[float]:
        """End it; the latencies that it noted, ascending."""
        said, _ = self._process.communicate(timeout=10)
        latencies: list[float] = json.loads(said)
        return latencies


def ours(port: int, *argv: str) -> dict[str, Any]:
    """Our figures, measured in a process of its own."""
    done = subprocess.run(command("--generate", str(port), *argv), check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def wrk(program: str, port: int) -> dict[str, Any]:
    """The same of wrk."""
    argv = [program, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/"]
    before = cpu_seconds(resource.RUSAGE_CHILDREN)
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    spent = cpu_seconds(resource.RUSAGE_CHILDREN) - before
    requests, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec: *([\d.]+)", said)
    if requests is None or rate is None:
        raise SystemExit(f"wrk said: {said}")
    return {"cpu": spent / int(requests[1]), "rate": float(rate[1]), "errors": 0}


def compare_cost() -> None:
    """CPU time for each request."""
    program = shutil.which("wrk")
    best: dict[str, dict[str, Any]] = {}
    server = Server("fast")
    try:
        for _ in range(ROUNDS):
            rounds = {"autox": ours(server.port)} | ({"wrk": wrk(program, server.port)} if program else {})
            for name, figures in rounds.items():
                if name not in best or figures["cpu"] < best[name]["cpu"]:
                    best[name] = figures
    finally:
        server.stop()
    print(f"{CONNECTIONS} connections, 1 thread each, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    if not program:
        print("wrk is not on the PATH")
    print("| generator | CPU µs for each request | requests/s | errors |")
    print("|---|---|---|---|")
    for name, figures in best.items():
        print(f"| {name} | {figures['cpu'] * 1e6:.1f} | {figures['rate']:,.0f} | {figures['errors']} |")
    if program:
        print(f"\nautox / wrk: {best['autox']['cpu'] / best['wrk']['cpu']:.2f} (bar: 1.5)")


def compare_truth() -> None:
    """Measured beside true percentiles."""
    server = Server("slow")
    try:
        argv = ("--qps", str(QPS), "--connections", str(TRUE_CONNECTIONS), "--count", str(COUNT))
        measured = ours(server.port, *argv)
    finally:
        true = server.stop()
    print(f"\n{COUNT:,} requests at {QPS:g}/s, a stall of {STALL_SECONDS:g} s; errors: {measured['errors']}")
    print(f"verdict on the generator: {measured['invalid'] or 'its figures may be believed'}")
    print("| latency | true, ms | measured, ms | off |")
    print("|---|---|---|---|")
    for percent, seconds in zip(PERCENTS, measured["percentiles"], strict=True):
        expected = true[math.ceil(round(percent * COUNT / 100, 6)) - 1]
        print(f"| p{percent:g} | {expected * 1e3:.2f} | {seconds * 1e3:.2f} | {seconds / expected - 1:+.2%} |")
    above = sum(1 for seconds in true if seconds >= STALL_SECONDS / 2)
    print(f"| slower than {STALL_SECONDS / 2:g} s | {above} requests | {measured['above']} requests | |")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=("fast", "slow"), help=argparse.SUPPRESS)
    parser.add_argument("--generate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--qps", type=float, default=BEYOND, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=REQUESTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve))
    elif options.generate:
        load = generate(options.generate, qps=options.qps, connections=options.connections, count=options.count)
        print(json.dumps(uvloop.run(load)))
    else:
        compare_cost()
        compare_truth()


if __name__ == "__main__":
    main()
