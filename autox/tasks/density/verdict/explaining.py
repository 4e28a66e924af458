"""Why the figures of a run are what they are: its notes, each with what it explains and how much of the load. Pure.

A verdict quotes the heaviest note that explains a broken metric, so that each thing that can keep a load from being
applied has a note of its own, in the words of whoever kept it: the API server, the scheduler, a node.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from autox.model.result import Note, NoteKind
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.observation.apicalls import latency
from autox.tasks.density.verdict import hints
from autox.tasks.density.verdict.arrival import Arrival, reasons
from autox.tasks.density.verdict.attribution import SLOW
from autox.tasks.density.verdict.culprit import Culprit
from autox.tasks.density.verdict.figures import STARTUP, Measured

PODS = (f"{STARTUP}*", "density/pods-*", "density/scheduling-throughput*", "density/arrival-rate")
OBJECTS = ("density/objects-as-asked",)
CHURNED = ("density/churned-*", *(f"{STARTUP}-{each}/churn" for each in ("p50", "p90", "p99")))
CALLS = ("density/api-call-latency*", "density/api-request-duration*", "density/slow-calls*", "density/requests-*")
LAGGING = (
    *(f"{STARTUP}*", "density/scheduling-throughput*", "density/arrival-rate", "density/watch-latency*"),
    *("density/api-*", "density/slow-calls*", "density/client-latency*", "density/client-rate*"),
)
_LAGS = 0.99  # less than what is said of all pods


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What the cluster says about pods that were never created.

    Attributes:
        refusal: in the words of the API server: a quota, an admission webhook.
        unread: Deployments, or other makers of pods, that their controller has not even looked at.
        makers: how many of them there are.
        namespace: what became of the run's namespace, if somebody else deleted it.
        trouble: why nothing of this is known; empty if it is.
    """

    refusal: str = ""
    unread: int = 0
    makers: int = 0
    namespace: str = ""
    trouble: str = ""


def notes(measured: Measured, sent: Sent, hindrance: Hindrance, lagging: Culprit | None) -> Iterator[Note]:
    """Everything that explains a figure, what comes first first.

    Args:
        measured: the figures.
        sent: how the creation of the objects went.
        hindrance: what the cluster says about pods that are missing.
        lagging: the part that gave way first; None if none did.
    """
    found, since = measured.arrival, lag_since(measured, lagging)
    died, revived = ("", "") if lagging is None or not lagging.has_died else (f"; {lagging}", lagging.hint)
    if hindrance.namespace:
        yield _pods(found, found.wanted - found.as_asked, hindrance.namespace, hints.INTERFERED)
    yield from _requests(sent, since=since, hint=lagging.hint if lagging else "")
    if found.missing:
        text, hint = _never_created(found, sent, hindrance, planned=measured.planned)
        yield _pods(found, found.missing, text + died, revived or hint, since=since)
    if found.surplus:
        why = f": {sent.changed}" if sent.changed else ""
        pods = "1 pod was" if found.surplus == 1 else f"{found.surplus:,} pods were"
        text = f"{pods} created beside the {found.wanted:,} that were asked for{why}"
        yield _pods(found, found.surplus, text, hints.ALTERED if sent.changed else "")
    for count, text, hint in sorted(reasons(found), key=lambda each: -each[0]):
        yield _pods(found, count, text + died, revived or hint, since=since)
    yield from _objects(measured, sent)
    yield from _churn(measured)
    yield from _lags(found, lagging, since=since)
    yield from _webhooks(measured)
    yield from _rejections(measured)
    if isinstance(measured.calls, str):
        text = f"no API call latency: {measured.calls}"
        yield Note(text=text, weight=1.0, explains=CALLS)
    if not measured.leases:
        text = "no lease lateness: the run ended before any lease was due for renewal"
        yield Note(text=text, weight=1.0, explains=("density/lease-lateness*",))


def of_others(namespaces: Iterable[str]) -> Iterator[Note]:
    """That other load tests were on the cluster meanwhile: of whatever group or namespace, and whoever began them."""
    for name in sorted(namespaces):
        yield Note(
            text=f"another load test ({name}) was on this cluster at the same time: the figures are of both loads"
        )


def lag_since(measured: Measured, lagging: Culprit | None) -> float | None:
    """Seconds after the load began at which it first went wrong: when a part died, or when pods or clients lagged.

    Args:
        measured: the figures.
        lagging: the part that gave way first; None if none did.
    """
    lost = measured.availability.lost
    if lagging and lagging.has_died and lost is not None:
        return max(0.0, lost - measured.began)
    clients = (max(0.0, each.lagged - measured.began) for each in measured.clients if each.lagged is not None)
    return min((at for at in (measured.arrival.lagged, *clients) if at is not None), default=None)


def _pods(found: Arrival, count: int, text: str, hint: str, *, since: float | None = None) -> Note:
    weight = min(max(count / max(found.wanted, 1), 0.0), 1.0)
    return Note(text=text, kind=NoteKind.TARGET, weight=weight, explains=PODS, since=since, hint=hint)


def _never_created(found: Arrival, sent: Sent, hindrance: Hindrance, *, planned: int) -> tuple[str, str]:
    """Why pods are missing, in words, and what to do about it."""
    told = f"{found.missing:,} of {found.wanted:,} pods were never created"
    if hindrance.refusal:
        return f"{told}: {hindrance.refusal}", hints.REFUSED
    if sent.changed:
        return f"{told}: {sent.changed}", hints.ALTERED
    if sent.created < planned:
        why = f": {sent.trouble}" if sent.trouble else ""
        return f"{told}: {planned - sent.created} of {planned} {sent.what} could not be created in time{why}", ""
    if hindrance.trouble:
        return f"{told}: why is not known: {hindrance.trouble}", ""
    if hindrance.unread:
        which = f"{hindrance.unread} of {hindrance.makers} {sent.what}"
        told = f"{told}: nobody has looked at {which}, does the controller manager run?"
        return told, hints.CONTROLLER_MANAGER_GONE
    told = (
        f"{told}: nobody refused them, and the others were {found.rates}; how many requests a second may the"
        " controller manager make?"
    )
    return told, hints.CONTROLLER_MANAGER


def _lags(found: Arrival, lagging: Culprit | None, *, since: float | None) -> Iterator[Note]:
    """Which part gave way first: of late pods it is the cause, and of whatever took long."""
    why, hint = (f"; {lagging}", lagging.hint) if lagging else ("", "")
    if found.late:
        text = f"pods were {found.rates}: {found.late:,} of {found.wanted:,} pods came late{why}"
        yield _pods(found, found.late, text, hint, since=since)
    if lagging and not lagging.has_note:
        text = str(lagging)
        yield Note(text=text, kind=NoteKind.TARGET, weight=_LAGS, explains=LAGGING, since=since, hint=hint)


def _requests(sent: Sent, *, since: float | None, hint: str) -> Iterator[Note]:
    if sent.repeated:
        yield Note(
            text=f"{sent.repeated} requests for {sent.what} had to be repeated, {sent.throttled} of them because"
            f" the API server asked for patience; the last: {sent.trouble}",
            kind=NoteKind.TARGET,
            # NB: what delays a Deployment delays all of its pods, so this comes before what is said of the pods.
            weight=min(1.0, sent.hindered / sent.planned) if sent.planned else 0.0,
            explains=(*PODS, *OBJECTS),
            since=since,
            hint=hint or (hints.FAIRNESS if sent.throttled else ""),
        )


def _objects(measured: Measured, sent: Sent) -> Iterator[Note]:
    """What became of objects that did not come as they were asked for: each counts once."""
    of = f"of {measured.planned:,} {sent.what}"
    late = measured.planned - sent.created
    gone = len(sent.taken) - measured.objects if isinstance(measured.objects, int) else 0
    why = f": {sent.trouble}" if sent.trouble else ""
    told = (
        (late, f"{late:,} {of} could not be created in time{why}", ""),
        (sent.altered, f"{sent.altered:,} {of} are not what they were asked to be: {sent.changed}", hints.ALTERED),
        (gone, f"{gone:,} {of} were deleted in mid-run, by somebody else", hints.INTERFERED),
    )
    for count, text, hint in told:
        if count > 0:
            weight = min(1.0, count / measured.planned)
            yield Note(text=text, kind=NoteKind.TARGET, weight=weight, explains=OBJECTS, hint=hint)


def _churn(measured: Measured) -> Iterator[Note]:
    churn = measured.turnover
    began = measured.churned.every or measured.arrival.as_asked == measured.arrival.wanted
    late = churn.pods - sum(each.running is not None for each in measured.churned.every)
    kept = churn.asked - churn.back if churn.is_counted else 0
    for missing, asked, what in ((late, churn.pods, "pods"), (kept, churn.asked, churn.noun)):
        if missing > 0:
            again = "come and run again" if what == "pods" else "go and come again"
            why = f"did not {again} within the time" if began else "were not deleted, since others never ran"
            yield _of_churn(f"{missing:,} of {asked:,} {what} of churn {why}", weight=missing / asked)
    if churn.refused:
        times = "once" if churn.refused == 1 else f"{churn.refused:,} times"
        # NB: whoever waits for what was refused names no cause of his own.
        weight = 1.0 if kept else 0.0
        yield _of_churn(f"evictions were refused {times}; the last: {churn.trouble}", weight=weight)


def _of_churn(text: str, *, weight: float) -> Note:
    return Note(text=text, kind=NoteKind.TARGET, weight=min(1.0, weight), explains=CHURNED)


def _webhooks(measured: Measured) -> Iterator[Note]:
    calls, wanted = measured.calls, measured.arrival.wanted
    if isinstance(calls, str):
        return
    # NB: a webhook may be slow for others alone; it explains our pods only if some of them were seen late.
    seen_late = sum(SLOW <= late < inf for late in dict(measured.pods.parts(wanted=wanted))["created-to-seen"])
    explains = (f"{STARTUP}*",) if seen_late else ()
    for name, histogram in calls.webhooks.items():
        p99 = latency(histogram, "p99") or 0.0
        yield Note(
            text=f"the {name} was called {histogram.count:,.0f} times and took up to {p99:.3g} s (p99), which"
            " api-request-duration and created-to-seen show and api-call-latency leaves out",
            kind=NoteKind.TARGET,
            weight=min(1.0, histogram.count / max(wanted, 1)) if p99 >= SLOW else 0.0,
            explains=(*explains, "density/api-request-duration*"),
            since=measured.arrival.lagged,
            hint=hints.WEBHOOK,
        )


def _rejections(measured: Measured) -> Iterator[Note]:
    calls = measured.calls
    if isinstance(calls, str) or not calls.rejected:
        return
    every = sum(histogram.count for histogram in calls.calls.values())
    requests = "1 request was" if calls.rejected == 1 else f"{calls.rejected:,.0f} requests were"
    yield Note(
        text=f"{requests} turned away with 429: more at once than the API server takes",
        kind=NoteKind.TARGET,
        weight=min(1.0, calls.rejected / every) if every else 1.0,
        explains=(*PODS, "density/requests-rejected"),
        since=measured.arrival.lagged,
        hint=hints.FAIRNESS,
    )
