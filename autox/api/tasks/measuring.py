"""The tasks that may stand before a judgement, and which of them makes a metric.

A table of its own, since ``assess`` has to know their metrics. A new task is entered here.
"""

from autox.api.tasks import density, http, ready, wait
from autox.api.tasks.kind import Kind

KINDS: tuple[Kind, ...] = (ready.KIND, wait.KIND, http.KIND, density.KIND)

METRICS = {kind.name: kind.metrics for kind in KINDS if kind.metrics is not None}
"""By task; the tasks that are not here make none."""


def maker(metric: str) -> str:
    """The task that makes a metric of this name; empty if none does."""
    task, _, rest = metric.partition("/")
    return task if task in METRICS and METRICS[task].has(rest) else ""


def why_not_made(metric: str) -> str:
    """Why no task makes a metric of this name, with one that is made; for names that ``maker`` does not know."""
    task, _, rest = metric.partition("/")
    if task not in METRICS:
        beginnings = " or ".join(f"{name}/" for name in METRICS)
        return f"no task makes the metric {metric}; names begin with {beginnings}"
    made = METRICS[task]
    if rest in made.distributions:
        return f"{metric} is a distribution; name a figure of it, such as {task}/{made.distributions[rest]}"
    return f"task {task} makes no metric {metric}; it makes {', '.join(made.examples)} and others"
