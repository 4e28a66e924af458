"""What the runner hands to each task, what a task hands back, and which function is a task.

A task never makes a ``TaskResult`` itself: ``autox.tasks.runner`` does, so that times, states and failures look the
same for every task, and no task can claim a state that it did not end in.

The module of a task is imported when it is needed: a run that only sends HTTP requests loads nothing of the virtual
nodes.
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autox.api.tasks.table import KINDS
from autox.kube.client import KubeClient
from autox.model.profiling import Profile
from autox.model.result import SLO, Metric, Note, Series, SLOOutcome, Subject, TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a task found out; the runner makes a ``TaskResult`` of it.

    Attributes:
        message: one sentence for people: what was done.
        metrics: what was measured.
        series: figures over the time of its load.
        profiles: of the components of what was under test.
        slos: what became of SLOs, of a task that assesses them.
        invalid: why the figures must not be believed; empty if they may.
        notes: what a reader should know, each with what it explains.
        demands: SLOs on these metrics that are always on.
        unless: metrics; where a user sets an upper limit on one of them, nothing is demanded.
        fruitless: why nothing that it tried came to anything; empty if something did.
    """

    message: str
    metrics: tuple[Metric, ...] = ()
    series: tuple[Series, ...] = ()
    profiles: tuple[Profile, ...] = ()
    slos: tuple[SLOOutcome, ...] = ()
    invalid: str = ""
    notes: tuple[Note, ...] = ()
    demands: tuple[SLO, ...] = ()
    unless: tuple[str, ...] = ()
    fruitless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """Where a task runs and what came before it.

    Attributes:
        kube: of the cluster that the experiment runs in; None for a local run without one.
        namespace: where names without a namespace are looked up.
        environ: the environment variables of the run.
        subject: what is tested.
        done: the tasks before this one.
        say: shows one line of progress to whoever watches; never a secret.
        now: the wall clock, with its time zone.
        measured: to be told what was measured before cleaning up: it is kept though the run be ended meanwhile.
    """

    kube: KubeClient | None
    namespace: str
    environ: Mapping[str, str]
    subject: Subject
    done: tuple[TaskResult, ...]
    say: Callable[[str], None]
    now: Callable[[], datetime]
    measured: Callable[[Findings], None] = lambda _findings: None


TaskFunction = Callable[[Any, TaskContext], Awaitable[Findings]]
"""A task: its own inputs and the context in, findings out; raises ``AutoxError`` when it cannot do its work."""


def task_function(name: str) -> TaskFunction:
    """The function of a task that ``autox.api.tasks`` knows."""
    function: TaskFunction = importlib.import_module(KINDS[name].module).run
    return function
