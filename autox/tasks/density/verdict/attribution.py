"""Which part gave way first, by what each says of itself: one clause for the verdict, with the evidence. Pure.

A slow part makes all those slow that need it: pods come late whether etcd, the API server or the controller manager
lags. So the parts are asked in the order of who needs whom, and the deepest that is slow is named: the API server's
process, etcd below it, its own processor, its queues; and only where all of these are quick the controller manager,
the scheduler and the nodes, which show by the part of a pod's way that took longest. Clients beside pods, or alone,
show by their own requests what kept them (``clients.suspects``).

What etcd, the controller manager and the scheduler say of themselves is heard where it can be had, on local clusters:
as evidence beside the name, and etcd's own word lowers what it takes to believe that it was slow. Where it cannot be
had, nobody is named for less.

The bounds are those by which the parts themselves warn (etcd: 100 ms to apply a request), or far above what any answers
in when nothing is wrong. Rejected: the share of a processor that a part uses, which says nothing of one that is kept
from it, and is full on every small machine.
"""

from collections.abc import Iterator, Mapping
from math import inf
from statistics import median_high

from autox.core.formats.prometheustext import CumulativeHistogram, quantile, summed
from autox.tasks.density.course.components import CONTROLLER_MANAGER, ETCD, SCHEDULER
from autox.tasks.density.course.selfreport import SelfReport
from autox.tasks.density.observation.apicalls import RESTARTED, ApiCalls, worst
from autox.tasks.density.observation.lagging import STUCK
from autox.tasks.density.observation.pings import typical
from autox.tasks.density.observation.podtimes import PARTS
from autox.tasks.density.verdict import hints, suspects
from autox.tasks.density.verdict.culprit import Culprit
from autox.tasks.density.verdict.figures import Measured

SLOW = 0.1
"""Seconds that an answer of etcd, its disk, the wait in a queue or a webhook takes where something is wrong."""

SHORT = 0.02
"""Seconds that an API server takes to answer what needs nothing, where it lacks a processor."""

_CHANGES = ("create", "update", "delete", "txn")
_MUCH = 3  # times longer than what else was there
_FULL = 0.9  # of the processors that a part may use
_WAITING = 10  # times longer in a queue than the answer itself takes
_CREATED, _BOUND, _RUNNING = PARTS


def culprit(measured: Measured) -> Culprit | None:
    """The part that gave way first; None if all went well, or if nothing says which.

    Args:
        measured: the figures of a run.
    """
    return next(_suspects(measured), None) if _is_slow(measured) else None


def _is_slow(measured: Measured) -> bool:
    """Did anything take so long that somebody will ask why?"""
    found, calls = measured.arrival, measured.calls
    startup, slowest = measured.pods.startup(wanted=found.wanted), None
    if isinstance(calls, ApiCalls):
        slowest = worst(calls.calls, "p99")
    return (
        found.late > 0
        or found.is_slow
        or (not startup and found.wanted > 0)
        or any(seconds >= STUCK for seconds in startup[-1:])
        or suspects.lag(measured.clients)
        or _median(measured.news) >= STUCK
        or (slowest is not None and slowest[1] >= STUCK)
        or not measured.availability.share
        or measured.availability.share < 1
    )


def _suspects(measured: Measured) -> Iterator[Culprit]:
    calls, clients = measured.calls, measured.clients
    yield from _dead(measured)
    yield from _ours(measured)
    yield from suspects.ours(clients, calls)
    ping, used = typical(measured.pings), measured.own.utilization
    if isinstance(calls, ApiCalls):
        yield from _etcd(calls, measured.own.disk, ping=ping)
        if suspects.lag(clients):
            yield from _reads(calls, ping=ping)
        yield from _queues(calls, ping=ping)
    yield from suspects.refused(clients)
    if ping >= SHORT:
        yield Culprit(
            "the API server",
            f"for half of the time it answered what needs nothing but itself after {ping * 1000:.0f} ms and more, as"
            f" one that lacks a processor{'' if used is None else f'; it used {used:.0%} of those that it may use'}",
            hints.API_SERVER_SLOW,
        )
    if isinstance(calls, ApiCalls):
        yield from _webhooks(calls)
    if (late := _median(measured.news)) >= STUCK:
        told = f"news of changes came {late:.3g} s (median) after they were made"
        yield Culprit("the API server", told, hints.API_SERVER_SLOW)
    if used is not None and used >= _FULL and max(measured.own.limiter.values(), default=0.0) < STUCK:
        told = f"it used {used:.0%} of the processors that it may use, all the time"
        yield Culprit("the API server", told, hints.API_SERVER_SLOW)
    yield from suspects.slow_calls(clients, calls)
    yield from _controllers(measured)


def _dead(measured: Measured) -> Iterator[Culprit]:
    found, own = measured.availability, measured.own
    is_slow = own.disk is not None and own.disk >= SLOW
    is_told = is_slow or ETCD in own.gone
    for check, times in found.failed.most_common(1):
        # NB: an API server without a processor gives up its own look at etcd, and one that starts has had none yet.
        is_starting = measured.calls == RESTARTED and times <= max(found.unreachable, 1)
        is_believed = typical(measured.pings) < SHORT and not is_starting
        if check.startswith("etcd") and (is_told or is_believed):
            told = f"in {times} of {found.looks} looks at /readyz the API server could not reach it"
            # NB: a disk can be so slow that the API server takes etcd for dead.
            told, hint = (f"{told}, {_disk(own.disk)[0]}", hints.ETCD_SLOW) if is_slow else (told, hints.ETCD_GONE)
            yield Culprit("etcd", told, hint, has_died=True)
    if found.unreachable:
        told = f"nobody answered {found.unreachable} of {found.looks} looks at /readyz"
        yield Culprit("the API server", told, hints.API_SERVER_GONE, has_died=True)
    if measured.calls == RESTARTED:
        yield Culprit("the API server", "it was restarted in mid-run", hints.API_SERVER_GONE, has_died=True)


def _etcd(calls: ApiCalls, disk: float | None, *, ping: float) -> Iterator[Culprit]:
    changes = [calls.etcd[each] for each in _CHANGES if each in calls.etcd]
    if not changes:
        return
    every = summed(changes)
    median, p99 = quantile(0.5, every) or 0.0, quantile(0.99, every) or 0.0
    is_told = disk is not None and disk >= SLOW
    # NB: the API server takes this time with its own clock, so that one without a processor sees a slow etcd as well.
    if median >= (SHORT if is_told else SLOW) and median > _MUCH * ping and (is_told or ping < SLOW):
        told, hint = _disk(disk)
        took = f"a change took it {median * 1000:.0f} ms (median of {every.count:,.0f}; p99 {p99 * 1000:.0f} ms)"
        yield Culprit("etcd", f"{took}, {told}", hint)


def _reads(calls: ApiCalls, *, ping: float) -> Iterator[Culprit]:
    """What clients read may be read of etcd, which needs no disk for it."""
    found = calls.etcd.get("get")
    median = quantile(0.5, found) or 0.0 if found else 0.0
    if median >= SLOW and median > _MUCH * ping and ping < SLOW:
        yield Culprit("etcd", f"a read took it {median * 1000:.0f} ms (median)", hints.ETCD_BUSY)


def _disk(took: float | None) -> tuple[str, str]:
    """What etcd says of its own disk, and what to do about it."""
    if took is None:
        return "as on a slow disk", hints.ETCD_SLOW
    if took >= SLOW:
        return f"and its own disk up to {took * 1000:.0f} ms (p99)", hints.ETCD_SLOW
    return f"though its own disk took no more than {took * 1000:.0f} ms (p99)", hints.ETCD_BUSY


def _queues(calls: ApiCalls, *, ping: float) -> Iterator[Culprit]:
    level, waited = _longest(calls.queues)
    # NB: an API server without a processor has queues as well, as long as one likes.
    if waited >= (SLOW if ping < SHORT else STUCK) and waited > _WAITING * ping and ping < SLOW:
        yield Culprit(
            "API priority and fairness",
            f"requests of level {level} waited in its queues for up to {waited * 1000:.0f} ms (p99): more at once than"
            " the API server takes",
            hints.FAIRNESS,
        )


def _webhooks(calls: ApiCalls) -> Iterator[Culprit]:
    name, took = _longest(calls.webhooks)
    if took >= SLOW:
        yield Culprit(f"the {name}", f"it took up to {took:.3g} s (p99)", hints.WEBHOOK, has_note=True)


def _longest(queues: Mapping[str, CumulativeHistogram]) -> tuple[str, float]:
    found = [(quantile(0.99, histogram) or 0.0, level) for level, histogram in queues.items()]
    waited, level = max(found, default=(0.0, ""))
    return level, waited


def _ours(measured: Measured) -> Iterator[Culprit]:
    """Parts of the test itself, by what they made of requests and news that the API server was quick with.

    They come before the API server, since each is held against it: what is slow in both is the API server's.
    """
    took, known = _median(measured.answers), _done(measured.calls, "POST/deployments")
    if took >= STUCK and took > _MUCH * known:
        yield Culprit(
            "the load generator",
            f"half of its requests took {took:.3g} s, and the API server was done with each after {known:.3g} s",
            hints.OURS,
            is_ours=True,
        )
    late = dict(measured.pods.parts(wanted=0))
    unseen, news = _median(late[_CREATED]), _median(measured.news)
    if STUCK <= unseen < inf and unseen > _MUCH * max(news, _done(measured.calls, "POST/pods")):
        yield Culprit(
            "the watcher of pods",
            f"it saw half of them {unseen:.3g} s after they were created, and another watcher was in time",
            hints.OURS,
            is_ours=True,
        )
    unsaid, known = _median(late[_RUNNING]), _done(measured.calls, "PATCH/pods/status")
    if STUCK <= unsaid < inf and unsaid > _MUCH * known:
        yield Culprit(
            "the virtual nodes",
            f"they took {unsaid:.3g} s (median) to say of a pod that it runs, and the API server was done with each"
            f" word after {known:.3g} s",
            hints.OURS,
            is_ours=True,
        )


def _done(calls: ApiCalls | str, key: str) -> float:
    """Seconds within which the API server was done with such a call (p99); infinite if it does not say."""
    histogram = calls.whole.get(key) if isinstance(calls, ApiCalls) else None
    return inf if histogram is None else quantile(0.99, histogram) or 0.0


def _controllers(measured: Measured) -> Iterator[Culprit]:
    """Of those who pass pods on, whoever kept them longest first."""
    found = measured.arrival
    if not found.wanted or found.missing or found.foreign or found.deleted:
        return  # whoever refused or deleted them has a note of his own
    behind = found.wanted / found.achieved - found.wanted / found.rate if found.achieved else inf
    waited = _median(dict(measured.pods.parts(wanted=found.wanted))[_BOUND])
    took = "most pods were never bound" if waited == inf else f"half of the pods waited {waited:.3g} s for it"
    is_silent = found.unbound > 0 and found.silent == found.unbound
    kept = (
        (waited, _scheduler(f"{took}, and the API server was quick", measured.own, is_silent=is_silent)),
        (behind, _controller_manager("the API server was quick, and pods still came slowly", measured.own)),
    )
    yield from (each for seconds, each in sorted(kept, key=lambda pair: -pair[0]) if seconds >= STUCK)


def _scheduler(told: str, own: SelfReport, *, is_silent: bool) -> Culprit:
    part, limited = "the scheduler", own.limiter.get(SCHEDULER, 0.0)
    if is_silent:
        return Culprit(part, told, hints.SCHEDULER_GONE)
    if limited >= SLOW:
        return Culprit(part, f"{told}; {_limited(limited)}", hints.SCHEDULER_THROTTLED)
    pending = f"; up to {own.pending:,.0f} pods were in its queues" if own.pending else ""
    return Culprit(part, f"{told}{pending}", hints.SCHEDULER)


def _controller_manager(told: str, own: SelfReport) -> Culprit:
    part, limited, queue = "the controller manager", own.limiter.get(CONTROLLER_MANAGER), own.queue or 0.0
    if limited is not None and limited >= SLOW:
        return Culprit(part, f"{told}; {_limited(limited)}", hints.CONTROLLER_MANAGER_THROTTLED)
    if queue >= STUCK:
        waited = f"keys waited up to {queue:.3g} s (p99) in the queue of its controller {own.controller}"
        return Culprit(part, f"{told}; {waited}", hints.CONTROLLER_MANAGER_BUSY)
    if limited is not None:
        return Culprit(part, told, hints.CONTROLLER_MANAGER_BUSY)
    return Culprit(part, f"{told}: how many requests a second may it make?", hints.CONTROLLER_MANAGER)


def _limited(seconds: float) -> str:
    return f"its requests waited up to {seconds:.3g} s (p99) for its own limit of requests a second"


def _median(values: list[float]) -> float:
    return median_high(values) if values else 0.0
