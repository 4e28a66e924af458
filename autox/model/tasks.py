"""What each task of an experiment is told: frozen, checked, in base units (seconds, bytes, requests a second).

``autox.api.experimentdocument`` makes these; ``autox.tasks`` carries them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autox.model.refs import ObjectRef
from autox.model.result import SLO


class TaskInputs:
    """What a task is told; each has a frozen value of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyObject:
    """An object that must exist and, if ``condition`` is not empty, have that condition with status True."""

    ref: ObjectRef
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyInputs(TaskInputs):
    """Task ``ready``: wait until the right pods are there.

    Attributes:
        namespace: of ``deploy`` and ``service``; empty means the experiment's own.
        deploy: a Deployment whose rollout must be complete, with no old pod left; empty for none.
        service: a Service that must have a ready endpoint, and with ``deploy`` one for each ready pod; empty for none.
        objects: others that must exist or have a condition.
        timeout: seconds to wait for all of them together.
    """

    namespace: str = ""
    deploy: str = ""
    service: str = ""
    objects: tuple[ReadyObject, ...] = ()
    timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRange:
    """Status codes that count as errors: ``lower <= code <= upper``; None is no bound."""

    lower: int | None = None
    upper: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpInputs(TaskInputs):
    """Task ``http``: open-loop load on one URL.

    Attributes:
        url: ``http://`` or ``https://``.
        method: GET, or POST where there is a payload and nothing else was said.
        headers: sent with each request; may hold tokens.
        payload: the body.
        qps: requests a second, over all connections.
        connections: at most so many at once.
        num_requests: how many; None where ``duration`` says when to stop.
        duration: seconds during which requests are sent; None where ``num_requests`` counts them.
        timeout: seconds until a request has failed.
        percentiles: of the latency, 0 < p < 100.
        error_ranges: status codes that are errors; what got no valid answer is always one.
        warmup_num_requests: sent first and not counted.
        warmup_duration: seconds of requests that are sent first and not counted.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: bytes = b""
    qps: float = 8.0
    connections: int = 4
    num_requests: int | None = 100
    duration: float | None = None
    timeout: float = 10.0
    percentiles: tuple[float, ...] = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
    error_ranges: tuple[ErrorRange, ...] = (ErrorRange(lower=400),)
    warmup_num_requests: int | None = None
    warmup_duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessInputs(TaskInputs):
    """Task ``assess``: the SLOs."""

    slos: tuple[SLO, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task of an experiment.

    Attributes:
        name: which task.
        inputs: what it is told.
        shown: the same as the user wrote it, JSON, with everything that may be a secret replaced by ``***``.
    """

    name: str
    inputs: TaskInputs
    shown: Mapping[str, Any]
