"""Why clients did not do as they were asked, and what else a reader should know of them: notes, pure."""

from collections.abc import Iterable, Iterator

from autox.model.clientgroups import Verb
from autox.model.result import Note, NoteKind
from autox.tasks.density.clients.accountobjects import account_name
from autox.tasks.density.clients.clientfigures import CLIENTS_AS_ASKED
from autox.tasks.density.clients.tally import Outcome
from autox.tasks.density.verdict.culprit import Culprit


def client_notes(outcomes: Iterable[Outcome], lagging: Culprit | None, *, since: float | None) -> Iterator[Note]:
    """One for each group of clients that met trouble.

    Args:
        outcomes: of all groups.
        lagging: the part that gave way first; None if none did.
        since: seconds after the load began at which it first went wrong; None if nobody knows.
    """
    for found in outcomes:
        parts = [*_lack(found), *(_of_watches(found) if found.group.verb is Verb.WATCH else _of_requests(found))]
        parts += _errors(found)
        if parts:
            told = [*parts, str(lagging)] if lagging else parts
            yield Note(
                text=f"clients {found.group.name}: {'; '.join(told)}",
                kind=NoteKind.TARGET,
                weight=_weight(found),
                explains=(CLIENTS_AS_ASKED, *_metrics(found.group.name)),
                since=since,
                hint=lagging.hint if lagging else "",
            )


def account_note(outcomes: Iterable[Outcome], namespace: str) -> str:
    """As whom clients with service accounts of their own ran, and whether they could be queued; empty without any.

    Args:
        outcomes: of all groups.
        namespace: of the run.
    """
    own = [each for each in outcomes if each.group.own_account]
    if not own:
        return ""
    told = ", ".join(f"{each.group.name} as {account_name(each.group)}" for each in own)
    told = f"clients ran as service accounts of {namespace}: {told}"
    if not any(each.has_flow for each in own):
        return f"{told}; the API server has no API priority and fairness, or a proxy hides it: nobody is queued by flow"
    return f"{told}; each is a flow of its own, which API priority and fairness may keep waiting"


def _metrics(name: str) -> Iterator[str]:
    for figure in ("latency-p50", "latency-p90", "latency-p99", "requests", "errors", "rejected", "rate"):
        yield f"density/client-{figure}/{name}"
    yield f"density/client-reconnects/{name}"


def _weight(found: Outcome) -> float:
    lacking = 1 - found.as_asked / len(found.clients)
    troubled = (found.errors + found.rejected) / found.due if found.due else 0.0
    return min(max(lacking, troubled), 1.0)


def _lack(found: Outcome) -> Iterator[str]:
    count = len(found.clients)
    if lacking := count - found.as_asked:
        what = "watched" if found.group.verb is Verb.WATCH else "did"
        of = "the time" if found.group.verb is Verb.WATCH else "what was asked of them"
        yield f"{lacking:,} of {count:,} {what} less than nine tenths of {of}"


def _of_requests(found: Outcome) -> Iterator[str]:
    late = found.due - found.begun
    if late > 0 and found.as_asked < len(found.clients):
        yield f"{late:,} of {found.due:,} requests were due and not sent, for those before them were not answered"
    if found.rejected:
        yield f"{_times(found.rejected)} turned away with 429"
    if found.expired:
        yield f"{found.expired:,} lists began anew, for their pages had expired"


def _of_watches(found: Outcome) -> Iterator[str]:
    if found.reconnects:
        yield f"watches ended {found.reconnects:,} times and were opened again"
    if found.rejected:
        yield f"{_times(found.rejected)} turned away with 429"


def _errors(found: Outcome) -> Iterator[str]:
    if found.errors:
        of = f" of {found.due:,} requests" if found.due else " times"
        which = "" if found.troubled == found.errors else f", {found.troubled:,} of them"
        yield f"{found.errors:,}{of} failed{which}: {found.trouble}"


def _times(count: int) -> str:
    return "1 call was" if count == 1 else f"{count:,} calls were"
