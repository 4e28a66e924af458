"""How everything that a run makes is marked, so that whoever comes later can tell whose it is: pure.

Namespaces and nodes carry two labels: the run, which follows from the name of its Job alone, so that its sidecar can
name it without asking anybody, and the sidecar of a Job that an upgrade has replaced sweeps nothing of the new one's;
and the run's namespace (the first, if it has several), which is new for every loop.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from autox.model.result import Subject
from autox.nodes.node.nodeobject import PROVIDER_LABEL

RUN_LABEL = "autox.dev/density-run"
NAMESPACE_LABEL = "autox.dev/density-namespace"
TAINT = "autox.dev/density"

_NAMESPACE = "autox-density-"
_NAMESPACES = re.compile(rf"{_NAMESPACE}[0-9a-f]{{8}}")
_READABLE = 46  # characters; with the digest less than the 63 of a label value
_NOT_IN_LABELS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabels:
    """The names and labels of one run.

    Attributes:
        run: the value of ``RUN_LABEL``.
        namespace: of its objects, or the first of several; the names of its nodes begin with it.
        given: labels of nodes that are there already; None where it makes its own.
    """

    run: str
    namespace: str
    given: Mapping[str, str] | None = None

    @staticmethod
    def of(subject: Subject, *, token: str, given: Mapping[str, str] | None = None) -> "RunLabels":
        """The labels of a new run of a Job, or of an experiment without one; one outside a cluster is a run of its own.

        Args:
            subject: says which Job and which experiment.
            token: 8 hexadecimal digits that no other run has.
            given: labels of nodes that are there already; None where the run makes its own.
        """
        name = subject.workload.rpartition("/")[2] or subject.experiment
        run = run_label(subject.namespace, name) if name else f"local-{token}"
        return RunLabels(run=run, namespace=f"{_NAMESPACE}{token}", given=given)

    @property
    def labels(self) -> dict[str, str]:
        """On the namespace, on each node and on each object."""
        return {RUN_LABEL: self.run, NAMESPACE_LABEL: self.namespace}

    def namespaces(self, count: int) -> list[str]:
        """The names of so many namespaces: that of the run, and others beside it."""
        return [self.namespace, *(f"{self.namespace}-also-{index}" for index in range(1, count))]

    @property
    def node_prefix(self) -> str:
        """What the name of each node begins with."""
        return f"{self.namespace}-"

    @property
    def node_selector(self) -> dict[str, str]:
        """The labels of the nodes that its pods go to."""
        return {NAMESPACE_LABEL: self.namespace} if self.given is None else {**self.given, PROVIDER_LABEL: "mock"}

    @property
    def node_query(self) -> str:
        """The same for a list of nodes."""
        return ",".join(f"{key}={value}" for key, value in sorted(self.node_selector.items()))

    @property
    def taint(self) -> dict[str, str]:
        """Keeps everybody else's pods off the nodes."""
        return {"key": TAINT, "value": self.namespace, "effect": "NoSchedule"}


def made_namespace(name: str, labels: Mapping[str, str]) -> bool:
    """Whether a namespace with our labels is one that a run made, and not one that they were copied to.

    Its name is that of the run's namespace, or begins with it and a dash, where a run has several.
    """
    first = labels.get(NAMESPACE_LABEL, "")
    return bool(_NAMESPACES.fullmatch(first)) and (name == first or name.startswith(f"{first}-"))


def made_node(name: str, labels: Mapping[str, str]) -> bool:
    """Whether a Node with our labels is one that a run made: its name is that of the run's namespace, and a number."""
    namespace, _, number = name.rpartition("-")
    return labels.get(NAMESPACE_LABEL) == namespace and made_namespace(namespace, labels) and number.isdecimal()


def run_label(namespace: str, name: str) -> str:
    """The label value of the runs of a Job, CronJob or experiment of this name: readable, and as good as unique."""
    digest = sha256(f"{namespace}/{name}".encode()).hexdigest()[:10]
    readable = _NOT_IN_LABELS.sub("-", name.lower())[:_READABLE].strip("-")
    return f"{readable}-{digest}" if readable else digest
