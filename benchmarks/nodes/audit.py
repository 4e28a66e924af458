"""What the API server's own audit log says about an agent's correctness (pure: lines in, findings out).

An agent that is fast because it writes too little, or to what is not its own, is not fast. The log says who wrote
what; the harness knows which nodes and pods were the agent's, and put some before it that were not.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

READS = frozenset({"get", "list", "watch"})


class _User(msgspec.Struct):
    username: str = ""


class _Ref(msgspec.Struct):
    resource: str = ""
    subresource: str = ""
    name: str = ""


class _Answer(msgspec.Struct):
    code: int = 0


class _Entry(msgspec.Struct):
    """An ``audit.k8s.io/v1`` Event, as much of it as is read."""

    verb: str
    user: _User
    impersonatedUser: _User | None = None  # noqa: N815  - the API's
    objectRef: _Ref = msgspec.field(default_factory=_Ref)  # noqa: N815  - the API's
    requestURI: str = ""  # noqa: N815
    responseStatus: _Answer = msgspec.field(default_factory=_Answer)  # noqa: N815
    requestObject: Any = None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found.

    Attributes:
        pods: how many pods were the agent's.
        once: how many of them got exactly one write that made them Running.
        repeated: how many got more than one.
        other_status: writes to a pod's status that did not make it Running.
        by_others: writes to the agent's pods' status, nodes or leases by somebody else.
        strange: writes by the agent to what is not its own.
        leases: how many of its nodes' leases the agent wrote.
        lease_writes: how often.
        refused: writes of the agent that the API server did not carry out, by HTTP status.
        forbidden: requests of the agent, reads as well, that it had no right to.
        watches: how many watches the agent had, by resource; one that was taken up again counts twice.
        listings: how often the agent listed something from its beginning, by resource.
    """

    pods: int
    once: int
    repeated: int
    other_status: int
    by_others: int
    strange: int
    nodes: int
    leases: int
    lease_writes: int
    refused: Mapping[int, int]
    forbidden: int
    watches: Mapping[str, int]
    listings: Mapping[str, int]

    @property
    def harmed_nothing(self) -> bool:
        """Whether nothing was written twice, in vain or to what is not the agent's; a refused write harmed nobody."""
        wrong = self.repeated + self.other_status + self.by_others + self.strange
        return wrong == 0 and self.leases == self.nodes

    @property
    def is_correct(self) -> bool:
        """Whether everything that should be written was written as well, and nothing was asked for without a right."""
        return self.harmed_nothing and self.once == self.pods and self.forbidden == 0

    def __str__(self) -> str:
        refused = ", ".join(f"{count:,} with {status}" for status, count in self.refused.items())
        watches = ", ".join(f"{count:,} of {resource}" for resource, count in sorted(self.watches.items()))
        return (
            f"{self.once:,} of {self.pods:,} pods got exactly one Running write, {self.repeated:,} more than one; "
            f"{self.other_status:,} other status writes; {self.strange:,} writes to what is not the agent's, "
            f"{self.by_others:,} by others to what is; {self.leases:,} of {self.nodes:,} leases written by the agent "
            f"({self.lease_writes:,} writes); refused: {refused or 'none'}; "
            f"{self.forbidden:,} requests forbidden; watches: {watches or 'none'}"
        )


def check(lines: Iterable[bytes], *, user: str, nodes: Collection[str], pods: Collection[str]) -> Findings:
    """Go through an audit log.

    Args:
        lines: one event each.
        user: the agent's name.
        nodes: names of the nodes that are its own; their leases have the same names.
        pods: names of the pods on them.

    Raises:
        msgspec.MsgspecError: a line is no event: nothing can be said then.
    """
    decoder = msgspec.json.Decoder(_Entry)
    counts: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    refused: Counter[int] = Counter()
    watches: Counter[str] = Counter()
    listings: Counter[str] = Counter()
    leases: set[str] = set()
    for line in lines:
        entry = decoder.decode(line)
        ref = entry.objectRef
        owned = pods if ref.resource == "pods" else nodes
        is_own = entry.user.username == user
        counts["forbidden"] += is_own and entry.responseStatus.code == 403
        if entry.verb in READS:
            if is_own and entry.responseStatus.code == 200:
                watches[ref.resource] += entry.verb == "watch"
                # NB: the later pages of a listing are requests of their own.
                listings[ref.resource] += entry.verb == "list" and "continue=" not in entry.requestURI
        elif not is_own:
            # NB: a pod itself is made and deleted by others; what stands in its status is the agent's.
            counts["by_others"] += ref.name in owned and (ref.resource, ref.subresource) != ("pods", "")
        elif entry.responseStatus.code >= 300:
            refused[entry.responseStatus.code] += 1
        elif ref.name not in owned or not _acts_as_itself(entry):
            counts["strange"] += 1
        elif ref.resource == "leases":
            counts["lease_writes"] += 1
            leases.add(ref.name)
        elif (ref.resource, ref.subresource) == ("pods", "status"):
            if makes_running(entry.requestObject):
                runs[ref.name] += 1
            else:
                counts["other_status"] += 1
    return Findings(
        pods=len(pods),
        once=sum(1 for count in runs.values() if count == 1),
        repeated=sum(1 for count in runs.values() if count > 1),
        other_status=counts["other_status"],
        by_others=counts["by_others"],
        strange=counts["strange"],
        nodes=len(nodes),
        leases=len(leases & set(nodes)),
        lease_writes=counts["lease_writes"],
        refused=dict(sorted(refused.items())),
        forbidden=counts["forbidden"],
        watches=+watches,
        listings=+listings,
    )


def _acts_as_itself(entry: _Entry) -> bool:
    """Whether who acts as a node writes to that node and its lease only; pods are looked up by the Node authorizer."""
    if entry.impersonatedUser is None or entry.objectRef.resource == "pods":
        return True
    return entry.impersonatedUser.username == f"system:node:{entry.objectRef.name}"


def makes_running(body: Any) -> bool:
    """Whether a body says that the phase is Running: an object, a merge patch of any kind, or a JSON patch."""
    if isinstance(body, list):
        return any(
            (each.get("path"), each.get("value")) == ("/status/phase", "Running")
            or (each.get("path") == "/status" and makes_running({"status": each.get("value")}))
            for each in body
            if isinstance(each, dict)
        )
    status = body.get("status") if isinstance(body, dict) else None
    return isinstance(status, dict) and status.get("phase") == "Running"
