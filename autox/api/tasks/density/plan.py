"""``density.plan``: what is created and how fast, in the experiment document and in the chart's values alike.

What one field alone can be wrong about is said here, in the schema; what the plan is as a whole (its names, how much it
is, whether a Service has anything to select) in ``limits`` next door, for every way that a plan comes in.
A field that does nothing for its kind of object is refused: whoever sets something wants it to count.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from autox.api.documents import Document
from autox.api.fields import LABEL_KEY, Duration, PositiveNumber, Shape
from autox.api.tasks.density.limits import (
    MOST_BYTES_OF_DATA,
    MOST_NAMESPACES,
    MOST_OBJECTS,
    MOST_PARALLEL,
    MOST_PODS,
    MOST_STEPS,
)
from autox.api.tasks.kind import HIDDEN
from autox.core.formats.notation import SIZE, parse_duration, parse_size
from autox.core.loads.workloads import WITH_DATA, WITH_REPLICAS
from autox.model.workload import (
    ByPods,
    ObjectGroup,
    ObjectKind,
    Parallel,
    Poisson,
    Rate,
    Stair,
    Stairs,
    Steady,
    Step,
    WorkloadPlan,
)

_INDEX = r"\{index\}"
_NAME = Shape(
    pattern=rf"[a-z]([-a-z0-9]|{_INDEX})*",
    most=80,
    what="a name of lower-case letters, digits and '-' that begins with a letter; {index} is the object's number",
)
_STEP = Shape(pattern=r"[a-z]([-a-z0-9]*[a-z0-9])?", most=30, what="lower-case letters, digits and '-', at most 30")
_TEXT = Shape(
    pattern=rf"(([A-Za-z0-9]|{_INDEX})(([A-Za-z0-9._-]|{_INDEX})*([A-Za-z0-9]|{_INDEX}))?)?",
    most=63,
    what="a label's value: letters, digits, '.', '_' and '-', at most 63; {index} is the object's number",
)
_OWN = "app"
_KEYED: dict[str, Any] = {"propertyNames": {"pattern": f"^({LABEL_KEY.pattern})$", "$comment": LABEL_KEY.what}}


def _keys(given: dict[str, str]) -> dict[str, str]:
    for key in given:
        try:
            LABEL_KEY.check(key)
        except ValueError as error:
            raise ValueError(f"{key[:80]!r}: {error}") from None
        if key == _OWN or key.partition("/")[0] == "autox.dev":
            raise ValueError(f"{key!r}: must be another key, autox sets this one itself")
    return given


def _size(text: str) -> str:
    if not 1 <= parse_size(text) <= MOST_BYTES_OF_DATA:
        raise ValueError(f"must be 1B to {MOST_BYTES_OF_DATA >> 20}MiB, which is the most that Kubernetes takes")
    return text


_SIZE = Shape(pattern=SIZE, most=12, what="a size such as 4KiB or 1MiB")


class ObjectsSection(Document):
    """Objects of one kind."""

    kind: Annotated[ObjectKind, Field(description="Of each object.")]
    count: Annotated[int, Field(ge=1, le=MOST_OBJECTS, description="How many.")] = 1
    name: Annotated[
        str | None,
        _NAME,
        Field(description="Of each, with {index} where there are several. Else STEP-KIND-{index}."),
    ] = None
    replicas: Annotated[int, Field(ge=1, le=MOST_PODS, description="Pods of each Deployment, StatefulSet or Job.")] = 1
    size: Annotated[
        str, _SIZE, AfterValidator(_size), Field(description="Data of each ConfigMap or Secret, 1MiB at most.")
    ] = "1KiB"
    selects: Annotated[
        str | None,
        _NAME,
        Field(description="Names of what each Service selects the pods of. Else the Deployments before it."),
    ] = None
    labels: Annotated[
        dict[str, Annotated[str, _TEXT]],
        AfterValidator(_keys),
        Field(description="More labels, of the pods too.", json_schema_extra=_KEYED),
    ] = Field(default_factory=dict)
    annotations: Annotated[
        dict[str, str],
        AfterValidator(_keys),
        Field(description="More annotations, of the pods too; {index} is its number.", json_schema_extra=_KEYED),
    ] = Field(default_factory=dict)
    template: dict[str, Any] = Field(
        default_factory=dict,
        description="Merged over each object, but for what autox finds it by; texts may have {index} and {namespace}.",
    )

    @model_validator(mode="after")
    def _fields_that_count(self) -> Self:
        counts = {
            "replicas": self.kind in WITH_REPLICAS,
            "size": self.kind in WITH_DATA,
            "selects": self.kind is ObjectKind.SERVICE,
        }
        for field in counts.keys() & self.model_fields_set:
            if not counts[field]:
                raise ValueError(f"{field} means nothing to a {self.kind}")
        return self

    def value(self) -> ObjectGroup:
        """The group of objects: ``size`` in bytes."""
        return ObjectGroup(
            kind=self.kind,
            count=self.count,
            name=self.name or "",
            replicas=self.replicas,
            size=parse_size(self.size),
            selects=self.selects or "",
            labels=self.labels,
            annotations=self.annotations,
            template=self.template,
        )


class StairSection(Document):
    """A rate for a time."""

    qps: Annotated[PositiveNumber, Field(description="Objects a second.")]
    duration: Annotated[Duration, Field(description="For how long; the last goes on until all objects are created.")]


_SHAPES = ("qps", "pods", "steps", "poisson", "parallel")


class RateSection(Document):
    """How fast: in one of several shapes."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _SHAPES]})

    qps: Annotated[PositiveNumber | None, Field(description="So many objects a second.")] = None
    pods: Annotated[
        PositiveNumber | None, Field(description="So many pods a second; an object without any counts as one.")
    ] = None
    steps: Annotated[
        tuple[StairSection, ...] | None,
        Field(min_length=1, max_length=MOST_STEPS, description="One rate after another."),
    ] = None
    poisson: Annotated[
        PositiveNumber | None, Field(description="So many objects a second on average, at random moments.")
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**53, description="Of poisson: the same seed, the same moments.")] = 0
    parallel: Annotated[
        int | None,
        Field(ge=1, le=MOST_PARALLEL, description="As fast as the API server answers so many requests at once."),
    ] = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if sum(getattr(self, name) is not None for name in _SHAPES) != 1:
            raise ValueError(f"give exactly one of {', '.join(_SHAPES)}")
        if "seed" in self.model_fields_set and self.poisson is None:
            raise ValueError("seed is of poisson alone")
        return self

    def value(self) -> Rate:
        """The rate: durations in seconds."""
        if self.qps is not None:
            return Steady(qps=self.qps)
        if self.pods is not None:
            return ByPods(pods=self.pods)
        if self.poisson is not None:
            return Poisson(qps=self.poisson, seed=self.seed)
        if self.parallel is not None:
            return Parallel(requests=self.parallel)
        return Stairs(
            steps=tuple(Stair(qps=each.qps, duration=parse_duration(each.duration)) for each in self.steps or ())
        )


class StepSection(Document):
    """Objects that are created one after another."""

    name: Annotated[str, _STEP, Field(description="Of the step.")]
    objects: Annotated[
        tuple[ObjectsSection, ...], Field(min_length=1, max_length=MOST_STEPS, description="What, in this order.")
    ]
    rate: Annotated[RateSection, Field(description="How fast; it does not wait until pods run.")]
    pause: Annotated[Duration | None, Field(description="Before the next step.")] = None

    def value(self) -> Step:
        """The step: ``pause`` in seconds."""
        return Step(
            name=self.name,
            objects=tuple(each.value() for each in self.objects),
            rate=self.rate.value(),
            pause=parse_duration(self.pause) if self.pause else 0.0,
        )


class PlanSection(Document):
    """What is created, step by step."""

    namespaces: Annotated[
        int, Field(ge=1, le=MOST_NAMESPACES, description="To which the objects of each group are dealt in turn.")
    ] = 1
    steps: Annotated[
        tuple[StepSection, ...], Field(min_length=1, max_length=MOST_STEPS, description="One after another.")
    ]

    def value(self) -> WorkloadPlan:
        """The plan, in base units."""
        return WorkloadPlan(steps=tuple(each.value() for each in self.steps), namespaces=self.namespaces)


def shown(given: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as a report may show it: as it was written, but for what may hold anything."""
    steps = [
        {**step, "objects": [_without_secrets(each) for each in step.get("objects") or ()]}
        for step in given.get("steps") or ()
    ]
    return {**given, "steps": steps}


def _without_secrets(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: HIDDEN if name in ("template", "annotations") and value else value for name, value in group.items()}
