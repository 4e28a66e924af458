"""The section ``clients`` of task ``density``: who lists, watches, gets and patches while the pods come.

One flat entry for each group of clients, and not a model for each verb: what belongs to another verb is answered in a
sentence, by Helm too, where a choice of models would answer with all that each of them misses.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from autox.api.documents import Document
from autox.api.fields import DnsLabel, PositiveNumber, Shape
from autox.api.tasks.density.clientlimits import (
    LARGEST_CLIENT_OBJECT,
    MOST_CLIENT_OBJECTS,
    MOST_CLIENTS,
    MOST_OF_A_CLIENT,
    MOST_TO_A_PAGE,
    RAREST_OF_A_CLIENT,
    SMALLEST_CLIENT_OBJECT,
)
from autox.model.clientgroups import ClientGroup, Consistency, Scope, Verb

MADE_OBJECTS, MADE_SIZE = 10, 1024
"""What is made to get or patch if nothing is said of it: how many, and so many bytes each."""
_Resource = Literal[
    "pods", "nodes", "configmaps", "secrets", "deployments", "services", "endpointslices", "events", "leases"
]
_SELECTOR = Shape(pattern="[ -~]+", most=1024, what="a selector such as app=web, of printable ASCII characters")

_VERBS: dict[str, tuple[tuple[str, ...], str]] = {
    "rate": (("list", "get", "patch"), "a watch has no rate: it is opened once and stays open"),
    "scope": (("list", "watch"), "only lists and watches have a scope: objects are got and patched where they are"),
    "consistency": (("list", "get"), "only lists and gets have a consistency"),
    "limit": (("list",), "only lists have pages, and a limit of objects to each"),
    "labelSelector": (("list", "watch"), "only lists and watches have selectors"),
    "fieldSelector": (("list", "watch"), "only lists and watches have selectors"),
    "objects": (("get", "patch"), "objects are made only for those that get or patch them"),
    "size": (("get", "patch"), "objects are made only for those that get or patch them"),
}
"""Fields that not every verb has: those that have them, and why the others have not."""

OWN = ("configmaps", "secrets")
"""What is made to be got or patched."""
_RESOURCES = {
    "get": (
        (*OWN, "nodes", "leases"),
        "configmaps, secrets, nodes or leases, which a run has from its beginning on: others are listed or watched",
    ),
    "patch": (("configmaps",), "configmaps: a run patches nothing but what it made for that"),
}
_NO_PAGES = "an API server ignores limit where consistency is cache: leave one of them out"


def _given(name: str, *values: str) -> JsonValue:
    return {"properties": {name: {"enum": list(values)}}, "required": [name]}


def _left_out(name: str, why: str) -> JsonValue:
    return {"properties": {name: {"if": {"not": {"type": "null"}}, "then": {"const": f"left out: {why}"}}}}


def _rules() -> Iterator[JsonValue]:
    """The same that ``ClientsSection`` checks, in JSON Schema, for Helm."""
    for name, (verbs, why) in _VERBS.items():
        yield {"if": _given("verb", *(each for each in Verb if each not in verbs)), "then": _left_out(name, why)}
    for verb, (resources, what) in _RESOURCES.items():
        one: JsonValue = {"if": {"not": {"enum": list(resources)}}, "then": {"const": what}}
        yield {"if": _given("verb", verb), "then": {"properties": {"resource": one}}}
    yield {"if": _given("verb", *_VERBS["rate"][0]), "then": {"required": ["rate"]}}
    yield {"if": _given("consistency", Consistency.CACHE), "then": _left_out("limit", _NO_PAGES)}


class ClientsSection(Document):
    """Clients that do the same, each over a connection of its own."""

    model_config = ConfigDict(json_schema_extra={"allOf": list(_rules())})

    name: Annotated[DnsLabel, Field(description="Which no other entry has; the metrics are called by it.")]
    verb: Annotated[Literal["list", "watch", "get", "patch"], Field(description="What they do.")]
    resource: Annotated[
        _Resource,
        Field(description="With what. Got are configmaps, secrets, nodes or leases, and patched configmaps."),
    ]
    clients: Annotated[int, Field(ge=1, le=MOST_CLIENTS, description="How many they are.")] = 1
    rate: Annotated[
        PositiveNumber | None,
        Field(
            description="Requests a second of each, a list with all its pages being one; required but for a watch.",
            json_schema_extra={"minimum": RAREST_OF_A_CLIENT, "maximum": MOST_OF_A_CLIENT},
        ),
    ] = None
    as_: Annotated[
        Literal["run", "serviceAccount"] | None,
        Field(
            alias="as",
            description="Who they are: whoever the run is unless said here, or a service account that the run makes for"
            " the entry.",
        ),
    ] = None
    scope: Annotated[
        Literal["namespace", "cluster"] | None,
        Field(description="What is listed or watched: the run's namespace unless said here, and all of the nodes."),
    ] = None
    consistency: Annotated[
        Literal["quorum", "cache"] | None,
        Field(description="Of a list or a get: as new as etcd, or what the API server has (resourceVersion=0)."),
    ] = None
    limit: Annotated[
        int | None, Field(ge=1, le=MOST_TO_A_PAGE, description="Lists come in pages of so many objects.")
    ] = None
    label_selector: Annotated[str | None, _SELECTOR, Field(description="Of what is listed or watched.")] = None
    field_selector: Annotated[str | None, _SELECTOR, Field(description="Of what is listed or watched.")] = None
    objects: Annotated[
        int | None,
        Field(ge=1, le=MOST_CLIENT_OBJECTS, description=f"So many are made to get or patch; else {MADE_OBJECTS}."),
    ] = None
    size: Annotated[
        int | None,
        Field(
            ge=SMALLEST_CLIENT_OBJECT,
            le=LARGEST_CLIENT_OBJECT,
            description=f"Bytes in each of these; else {MADE_SIZE:,}.",
        ),
    ] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if why := next(self._mistakes(), ""):
            raise ValueError(why)
        return self

    def _mistakes(self) -> Iterator[str]:
        given = self.model_dump(by_alias=True, exclude_none=True)
        for name, (verbs, why) in _VERBS.items():
            if name in given and self.verb not in verbs:
                yield f"{name}: {why}"
        if self.verb in _RESOURCES and self.resource not in _RESOURCES[self.verb][0]:
            yield f"resource: must be {_RESOURCES[self.verb][1]}"
        if self.limit is not None and self.consistency == "cache":
            yield f"limit: {_NO_PAGES}"
        if self.resource == "nodes" and self.scope == "namespace":
            yield "scope: nodes are in no namespace; leave it out"
        if self.resource not in OWN and (self.objects or self.size):
            yield f"objects and size: {self.resource} are there, and are not made"
        if self.rate is None and self.verb != "watch":
            yield "rate: is required: how many requests a second does each client make?"
        if self.rate is not None and not RAREST_OF_A_CLIENT <= self.rate <= MOST_OF_A_CLIENT:
            yield (
                f"rate: must be {RAREST_OF_A_CLIENT:g} to {MOST_OF_A_CLIENT:,} a second for each client:"
                " take more clients for more"
            )

    def value(self) -> ClientGroup:
        """What the task is given."""
        makes = self.resource in OWN and self.verb in ("get", "patch")
        return ClientGroup(
            name=self.name,
            verb=Verb(self.verb),
            resource=self.resource,
            clients=self.clients,
            rate=self.rate or 0.0,
            scope=Scope.CLUSTER if self.resource == "nodes" else Scope(self.scope or "namespace"),
            consistency=Consistency(self.consistency or "quorum"),
            limit=self.limit or 0,
            label_selector=self.label_selector or "",
            field_selector=self.field_selector or "",
            objects=(self.objects or MADE_OBJECTS) if makes else 0,
            size=(self.size or MADE_SIZE) if makes else 0,
            own_account=self.as_ == "serviceAccount",
        )
