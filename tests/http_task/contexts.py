"""What the runner would hand to the task."""

from datetime import UTC, datetime
from pathlib import Path

from autox.cluster.labels import NODE_LABEL
from autox.kube.client import KubeClient
from autox.model.result import Metric, Subject
from autox.tasks.context import Findings, TaskContext
from autox.wire.trust import CA_BUNDLE


def context_with(
    kube: KubeClient | None = None,
    *,
    namespace: str = "default",
    node: bool = False,
    said: list[str] | None = None,
    bundle: Path | None = None,
) -> TaskContext:
    """A context; ``node`` for a container of a process node, ``bundle`` with certificates to be trusted besides."""
    lines = [] if said is None else said
    return TaskContext(
        kube=kube,
        namespace=namespace,
        environ={
            **({NODE_LABEL: "/somewhere"} if node else {}),
            **({CA_BUNDLE: str(bundle)} if bundle else {}),
        },
        subject=Subject(),
        done=(),
        say=lines.append,
        now=lambda: datetime.now(UTC),
    )


def metric(findings: Findings, name: str) -> Metric:
    """One metric of ``http/``."""
    return next(each for each in findings.metrics if each.name == f"http/{name}")


def value(findings: Findings, name: str) -> float | None:
    """The value of one metric of ``http/``."""
    return metric(findings, name).value
