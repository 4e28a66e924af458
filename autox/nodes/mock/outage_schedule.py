"""Whether a simulated node is out, and when that changes: derived from its name and the time alone. Pure.

An outage has one place in each interval of a node, drawn once for that node, so that the nodes of an agent do not
all fall silent together, and that a node is back for the same time between two outages. Intervals count from an
origin that the caller gives: the creation of the node object makes a repeated run repeat its outages, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autox.model.stages import Outage
from autox.nodes.mock.chance import drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageSchedule:
    """How it stands with a node.

    Attributes:
        is_out: it renews no lease and serves no pods now.
        until: when that changes, in seconds since 1970; infinite if never.
    """

    is_out: bool
    until: float


_NEVER_OUT = OutageSchedule(is_out=False, until=math.inf)


def outage_schedule(node: str, outages: Sequence[Outage], *, seed: int, origin: float, now: float) -> OutageSchedule:
    """How it stands with a node at a moment.

    Args:
        node: its name.
        outages: of the table; the first that befalls the node counts.
        seed: of the table.
        origin: when the node's first interval begins, in seconds since 1970.
        now: the moment, in seconds since 1970.
    """
    for outage in outages:
        if node.startswith(outage.node_prefix) and drawn(seed, node, outage.name) < outage.share:
            return _outlook(outage, first=_first(node, outage, seed=seed, origin=origin), now=now)
    return _NEVER_OUT


def _first(node: str, outage: Outage, *, seed: int, origin: float) -> float:
    """When the first outage begins: anywhere in the interval where it has room."""
    return origin + drawn(seed, node, f"{outage.name}/place") * (outage.interval - outage.duration)


def _outlook(outage: Outage, *, first: float, now: float) -> OutageSchedule:
    if now < first:
        return OutageSchedule(is_out=False, until=first)
    number = math.floor((now - first) / outage.interval)
    # NB: the quotient may be off by one at the very moment of a change; the sums decide.
    while first + (number + 1) * outage.interval <= now:
        number += 1
    while first + number * outage.interval > now:
        number -= 1
    begins = first + number * outage.interval
    if now < begins + outage.duration:
        return OutageSchedule(is_out=True, until=begins + outage.duration)
    return OutageSchedule(is_out=False, until=first + (number + 1) * outage.interval)
