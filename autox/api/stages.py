"""The file that says what simulated pods and nodes go through (``stages.yaml``), checked where it is made.

pydantic describes and checks the file; what leaves this module is ``autox.model.stages.StageTable``. What is wrong
with a stage among the others is the business of ``autox.core.pods.stagefaults``; here it gets its place in the file.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from autox.api.crashloops import CrashLoopBackOffSection
from autox.api.documents import Document, read_document
from autox.core.pods.stagefaults import StageFault, stage_faults
from autox.core.pods.stagetable import before_standard
from autox.model import stages as values
from autox.model.errors import ConfigurationError
from autox.model.stages import FOREVER, State

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ANNOTATION = re.compile(r"([-a-z0-9.]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LONGEST = 10 * 365 * 86_400.0  # seconds
_FIELDS = {"leaves": "from", "delay": "delaySeconds"}
_EXPLAINED = frozenset(State) - {State.STARTING, State.READY, State.UNREADY, State.SUCCEEDED}


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no name (lower-case letters, digits and '-', at most 63)")
    return text


def _annotation(text: str) -> str:
    if not _ANNOTATION.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no key of an annotation")
    return text


def _state(text: object) -> State:
    try:
        return State(str(text))
    except ValueError as error:
        raise ValueError(f"{str(text)[:80]!r} is no state; there are {', '.join(State)}") from error


def _delay(seconds: object) -> float | None:
    if seconds == "forever":
        return FOREVER
    if seconds == "run":
        return None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not math.isfinite(seconds):
        raise ValueError("must be a number of seconds, 'forever', or 'run' for as long as pods run by default")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"must be from 0 to {_LONGEST:.0f} seconds")
    return float(seconds)


Name = Annotated[str, AfterValidator(_name)]
AnnotationKey = Annotated[str, AfterValidator(_annotation)]
StateName = Annotated[State, BeforeValidator(_state)]
Seconds = Annotated[float, Field(ge=0, le=_LONGEST)]
Probability = Annotated[float, Field(ge=0, le=1)]
NonEmpty = Annotated[str, Field(min_length=1)]


class SelectorSection(Document):
    """Which pods a stage is for."""

    namespaces: tuple[NonEmpty, ...] = ()
    labels: dict[NonEmpty, str] = Field(default_factory=dict)
    annotations: dict[NonEmpty, str] = Field(default_factory=dict)
    owner_kinds: tuple[NonEmpty, ...] = ()
    node_prefix: str = ""
    restart_policies: tuple[NonEmpty, ...] = ()

    @model_validator(mode="after")
    def _policies_are_known(self) -> Self:
        known = ("Always", "OnFailure", "Never")
        if unknown := [each for each in self.restart_policies if each not in known]:
            raise ValueError(f"restartPolicies has {unknown[0]!r}; there are {', '.join(known)}")
        return self

    def value(self) -> values.Selector:
        """The selector as a value: what is left out selects every pod."""
        return values.Selector(**dict(self))


class StageEntry(Document):
    """One way from a state to another."""

    name: Name
    from_: Annotated[tuple[StateName, ...], Field(alias="from", min_length=1)]
    to: StateName
    selector: SelectorSection = SelectorSection()
    probability: Probability = 1.0
    probability_from: AnnotationKey | None = None
    delay_seconds: Annotated[float | None, PlainValidator(_delay)] = 0.0
    delay_from: AnnotationKey | None = None
    jitter_seconds: Seconds = 0.0
    backs_off: bool = False
    exit_code: Annotated[int, Field(ge=0, le=255)] | None = None
    reason: Annotated[str, Field(max_length=128)] = ""
    message: Annotated[str, Field(max_length=1024)] = ""

    @model_validator(mode="after")
    def _says_what_can_be_told(self) -> Self:
        if self.exit_code is not None and self.to not in {State.CRASHED, State.SUCCEEDED, State.FAILED}:
            raise ValueError(f"exitCode is for stages that end containers, not for one to {self.to}")
        if self.exit_code and self.to is State.SUCCEEDED:
            raise ValueError("exitCode of a pod that has Succeeded is 0")
        if self.reason and self.to not in {State.CRASHED, State.FAILED}:
            raise ValueError(f"reason is for stages to Crashed or Failed, not for one to {self.to}")
        if self.message and self.to not in _EXPLAINED:
            raise ValueError(f"message is for stages after which containers wait or have failed, not for {self.to}")
        if self.backs_off and State.CRASHED not in self.from_ and State.CRASH_LOOP_BACK_OFF not in self.from_:
            raise ValueError("backsOff is for stages from Crashed or CrashLoopBackOff")
        return self

    def value(self) -> values.Stage:
        """The stage as a value, in seconds; an exit code that is not given is 1 where it ends in a failure, else 0."""
        usual = 1 if self.to in {State.CRASHED, State.FAILED} else 0
        return values.Stage(
            name=self.name,
            leaves=self.from_,
            to=self.to,
            selector=self.selector.value(),
            probability=self.probability,
            probability_annotation=self.probability_from or "",
            delay=self.delay_seconds,
            delay_annotation=self.delay_from or "",
            jitter=self.jitter_seconds,
            backs_off=self.backs_off,
            exit_code=usual if self.exit_code is None else self.exit_code,
            reason=self.reason,
            message=self.message,
        )


class OutageEntry(Document):
    """A node falls silent again and again."""

    name: Name
    node_prefix: str = ""
    share: Probability = 1.0
    interval_seconds: Annotated[float, Field(ge=1, le=_LONGEST)]
    duration_seconds: Annotated[float, Field(ge=1, le=_LONGEST)]

    @model_validator(mode="after")
    def _ends_before_the_next(self) -> Self:
        if self.duration_seconds >= self.interval_seconds:
            raise ValueError("durationSeconds must be less than intervalSeconds")
        return self

    def value(self) -> values.Outage:
        """The outage as a value: seconds."""
        return values.Outage(
            name=self.name,
            node_prefix=self.node_prefix,
            share=self.share,
            interval=self.interval_seconds,
            duration=self.duration_seconds,
        )


class StagesDocument(Document):
    """The whole file."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    standard: bool = True
    crash_loop_back_off: CrashLoopBackOffSection = CrashLoopBackOffSection()
    stages: tuple[StageEntry, ...] = ()
    outages: tuple[OutageEntry, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("stages", [stage.name for stage in self.stages]),
            ("outages", [outage.name for outage in self.outages]),
        ):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{kind} has {', '.join(repeated)} more than once")
        if not self.standard and not self.stages:
            raise ValueError("without the standard stages there must be some in stages")
        return self

    def value(self) -> values.StageTable:
        """The table as a value: one's own stages, and after them the standard ones unless they are turned off."""
        own = tuple(stage.value() for stage in self.stages)
        return values.StageTable(
            stages=before_standard(own) if self.standard else own,
            seed=self.seed,
            back_off=self.crash_loop_back_off.value(),
            outages=tuple(outage.value() for outage in self.outages),
        )


def load_stages(path: Path) -> values.StageTable:
    """Read and check the file at ``path``.

    Raises:
        ConfigurationError: it cannot be read or does not make sense; names the file and each wrong field.
    """
    document = read_document(path, StagesDocument)
    table = document.value()
    names = [stage.name for stage in document.stages]
    if faults := list(stage_faults(table.stages, own=names)):
        raise ConfigurationError(f"{path}: {'; '.join(_told(fault, names) for fault in faults)}")
    return table


def _told(fault: StageFault, names: list[str]) -> str:
    return f"stages[{names.index(fault.stage)}].{_FIELDS.get(fault.field, fault.field)}: {fault.text}"
