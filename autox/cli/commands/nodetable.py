"""What agents of virtual nodes say of themselves, as a screen that fits 80 columns. Pure.

Two tables, since one of fourteen columns would be too wide to read: what the agents are and have, and what they do.
What happens in a second is taken from two looks at an agent; an agent that was restarted in between, or was only looked
at once, has none.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from autox.cli.parts.tables import table
from autox.nodes.agent.figures import AgentFigures
from autox.report.legible import fitted, legible

WIDEST = 80
_LONGEST_ADDRESS = 21  # of an IPv4 address; of the name of a pod, the beginning tells it from others


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at an agent gave.

    Attributes:
        address: where it was looked for.
        figures: None if it did not answer.
        trouble: why it did not.
    """

    address: str
    figures: AgentFigures | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The figures of one agent, or of several together; None for what is not known.

    Attributes:
        nodes: how many there shall be.
        ready: exist, are not silent and have a lease that has not run out.
        silent: by an outage of the agent's own stages.
        waiting: pods; also ``running``, ``ended`` and ``retried``.
        writes: status writes and deletions of pods a second.
        leases: renewals a second.
        oldest: age of the oldest renewal in seconds.
        throttled: answers that were 429, since the start.
        cpu: share of one core.
        memory: bytes.
    """

    nodes: float | None = None
    ready: float | None = None
    silent: float | None = None
    waiting: float | None = None
    running: float | None = None
    ended: float | None = None
    retried: float | None = None
    writes: float | None = None
    leases: float | None = None
    oldest: float | None = None
    throttled: float | None = None
    cpu: float | None = None
    memory: float | None = None


def screen(before: Sequence[Look], now: Sequence[Look]) -> str:
    """All of it; below the tables stands which API server, and what is wrong.

    Args:
        before: the looks before, in the same order; empty if these are the first.
        now: one look at each agent.
    """
    earlier = {each.address: each.figures for each in before}
    lines = [(fitted(each.address, _LONGEST_ADDRESS), line(earlier.get(each.address), each.figures)) for each in now]
    if len(lines) > 1:
        lines.append(("total", together([each for _, each in lines])))
    parts = [
        table(
            ("AGENT", "NODES", "READY", "SILENT", "WAITING", "RUNNING", "ENDED", "RETRIED"),
            [(name, *_what_it_has(each)) for name, each in lines],
        ),
        table(
            ("AGENT", "WRITES/S", "LEASES/S", "OLDEST", "THROTTLED", "CPU", "MEMORY"),
            [(name, *_what_it_does(each)) for name, each in lines],
        ),
        "\n".join(_remarks(now)),
    ]
    return "\n\n".join(parts)


def line(before: AgentFigures | None, now: AgentFigures | None) -> Line:
    """The figures of one agent."""
    if now is None:
        return Line()
    pods, leases, nodes = now.pods, now.leases, now.nodes
    then = before if before is not None and _goes_on(before, now) else None
    seconds = 0.0 if then is None else now.uptime_seconds - then.uptime_seconds

    def each_second(count: Callable[[AgentFigures], float]) -> float | None:
        return None if then is None else (count(now) - count(then)) / seconds

    return Line(
        nodes=nodes.wanted,
        ready=max(0, nodes.registered - nodes.silent - (0 if leases is None else leases.expired)),
        silent=nodes.silent,
        waiting=None if pods is None else pods.waiting,
        running=None if pods is None else pods.running,
        ended=None if pods is None else pods.ended,
        retried=None if pods is None else pods.retried,
        writes=None if pods is None else each_second(_writes),
        leases=None if leases is None else each_second(_renewals),
        oldest=None if leases is None else leases.oldest_seconds,
        throttled=now.writing.throttled + now.renewing.throttled,
        cpu=each_second(lambda one: one.cpu_seconds),
        memory=now.resident_bytes,
    )


def _goes_on(before: AgentFigures, now: AgentFigures) -> bool:
    """Whether both are of the same process, and time has passed between them."""
    return before.started == now.started and before.uptime_seconds < now.uptime_seconds


def _writes(figures: AgentFigures) -> float:
    return 0 if figures.pods is None else figures.pods.writes + figures.pods.deletions


def _renewals(figures: AgentFigures) -> float:
    return 0 if figures.leases is None else figures.leases.renewals


def together(lines: Iterable[Line]) -> Line:
    """The sum of what is known of several agents, and of their oldest leases the oldest."""
    every = tuple(lines)

    def known(name: str) -> list[float]:
        return [value for each in every if (value := getattr(each, name)) is not None]

    sums = {one.name: sum(known(one.name)) if known(one.name) else None for one in fields(Line)}
    return Line(**{**sums, "oldest": max(known("oldest"), default=None)})


def _what_it_has(each: Line) -> Iterator[str]:
    for value in (each.nodes, each.ready, each.silent, each.waiting, each.running, each.ended, each.retried):
        yield _told(value, "{}")


def _what_it_does(each: Line) -> Iterator[str]:
    yield _told(each.writes, "{:.1f}")
    yield _told(each.leases, "{:.1f}")
    yield _told(each.oldest, "{:.1f}s")
    yield _told(each.throttled, "{}")
    yield _told(each.cpu, "{:.1%}")
    yield _told(None if each.memory is None else each.memory / 2**20, "{:.0f} MiB")


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _remarks(looks: Sequence[Look]) -> Iterator[str]:
    known = [each.figures for each in looks if each.figures is not None]
    for server, provider, mode in sorted({(each.server, each.provider, each.mode) for each in known}):
        kind = f"{provider}, {mode}" if mode else provider
        yield fitted(legible(f"server {server} ({kind})"), WIDEST)
    for each in looks:
        if each.trouble:
            yield fitted(legible(f"{each.address}: {each.trouble}"), WIDEST)
