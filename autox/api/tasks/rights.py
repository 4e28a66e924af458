"""What a task may do with the cluster that its experiment runs in: the rules that the chart's Role has for it.

Data alone: the chart makes the rules, of values that only Helm sees, and so does the chart of the controller, which may
grant nothing that it may not do itself (``autox.api.charttasks`` writes the data into both).
"""

from dataclasses import dataclass
from enum import Enum


class Of(Enum):
    """What a field of a task's section says of the objects that a right is about."""

    NAME = "name"  # it is the name of one
    OBJECTS = "objects"  # it lists them, each with its group, resource and name, and maybe a namespace
    URL = "url"  # it is a URL, whose host may be a Service of the experiment's namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One rule, in the section's ``namespace`` if it has such a field, else in the experiment's.

    Attributes:
        field: of the chart section, as it is written; a field that names nothing gives no right.
        of: how it names the objects.
        verbs: what may be done with them.
        group: of the objects; each of ``Of.OBJECTS`` has its own.
        resource: likewise.
        named: to the named object alone; a right to list cannot be held to that.
    """

    field: str
    of: Of
    verbs: tuple[str, ...]
    group: str = ""
    resource: str = ""
    named: bool = True


def endpoints(field: str, of: Of) -> tuple[Right, ...]:
    """To find the ready pods behind a Service that a field names."""
    return (
        Right(field=field, of=of, resource="services", verbs=("get",)),
        Right(field=field, of=of, group="discovery.k8s.io", resource="endpointslices", verbs=("list",), named=False),
    )
