"""How many clients task ``density`` has at the most, how much they ask and of what size, and that no two are one."""

from collections.abc import Iterator, Sequence

from autox.api.tasks.density.wording import CLIENT_SUMS, CLIENTS_OF_ONE_NAME, TOO_MANY_CLIENTS
from autox.model.clientgroups import ClientGroup, Verb

MOST_CLIENTS = 1_000
MOST_CLIENT_RATE = 10_000
"""Requests a second of all clients."""
MOST_OF_A_CLIENT = 1_000
"""Requests a second of one client, which waits for each answer before it sends the next request."""
RAREST_OF_A_CLIENT = 0.001
MOST_TO_A_PAGE = 10_000
MOST_CLIENT_OBJECTS = 1_000
SMALLEST_CLIENT_OBJECT, LARGEST_CLIENT_OBJECT = 16, 256 << 10
"""Bytes of what a patch writes: a number that makes each another one, and a quarter of what a ConfigMap may hold."""
MOST_CLIENT_BYTES = 16 << 20
"""Of all the objects that are made for clients: whoever lists the run's ConfigMaps is sent all of it."""

MOST_OF_CLIENTS = (MOST_CLIENTS, MOST_CLIENT_RATE, MOST_CLIENT_OBJECTS, MOST_CLIENT_BYTES)
"""Of the sums that ``wording`` names."""

KEPT_SECONDS = 600.0
REVISION_BYTES = 500
"""Of a patched object beside what was patched: metadata, managed fields."""


def client_flaws(groups: Sequence[ClientGroup]) -> Iterator[str]:
    """Why groups may not be together, in words: two have one name, or all of them are too much."""
    names = [each.name for each in groups]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield CLIENTS_OF_ONE_NAME.format(name=name)
    sums = (
        sum(each.clients for each in groups),
        sum(each.total_rate for each in groups),
        sum(each.objects for each in groups),
        sum(each.objects * each.size for each in groups),
    )
    for what, found, most in zip(CLIENT_SUMS, sums, MOST_OF_CLIENTS, strict=True):
        if found > most:
            yield TOO_MANY_CLIENTS.format(found=f"{found:,.10g}", what=what, most=f"{most:,}")


def kept(groups: Sequence[ClientGroup], *, seconds: float) -> int:
    """How many bytes all that the groups patch takes in etcd, which keeps each revision until it is compacted.

    Args:
        groups: of clients.
        seconds: that they may go on. What is older than twice the five minutes between two compactions is gone.
    """
    rate = sum(each.total_rate * (each.size + REVISION_BYTES) for each in groups if each.verb is Verb.PATCH)
    return round(rate * min(seconds, KEPT_SECONDS))
