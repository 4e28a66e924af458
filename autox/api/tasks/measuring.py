"""The tasks that may stand before a judgement, and which of them makes a metric.

A table of its own, since ``assess`` has to know their metrics. A new task is entered here.
"""

from autox.api.tasks import http, ready, wait
from autox.api.tasks.density import kind as density
from autox.api.tasks.kind import Kind

KINDS: tuple[Kind, ...] = (ready.KIND, wait.KIND, http.KIND, density.KIND)

METRICS = {kind.name: kind.metrics for kind in KINDS if kind.metrics}
"""By task; the tasks that are not here make none."""

OFFICIAL = {f"{kind.name}/{rest}": limit for kind in KINDS for rest, limit in kind.official.items()}
"""The upper limits that the field has agreed on, by metric."""

_NAMED = 4
"""So many metrics of a task are named to whoever names another."""


def slo_pattern() -> str:
    """Of the names that an SLO can be about."""
    alternatives = {
        task: "|".join(family.pattern for family in families if not family.figure) for task, families in METRICS.items()
    }
    return f"^({'|'.join(f'{task}/({names})' for task, names in alternatives.items())})$"


def maker(metric: str) -> str:
    """The task that makes a metric of this name, of which there can be an SLO; empty if none does."""
    task, _, rest = metric.partition("/")
    return task if any(family.has(rest) and not family.figure for family in METRICS.get(task, ())) else ""


def why_not_made(metric: str) -> str:
    """Why no task makes a metric of this name, with one that is made; for names that ``maker`` does not know."""
    task, _, rest = metric.partition("/")
    if task not in METRICS:
        beginnings = " or ".join(f"{name}/" for name in METRICS)
        return f"no task makes the metric {metric}; names begin with {beginnings}"
    figure = next((family.figure for family in METRICS[task] if family.has(rest)), "")
    if figure:
        return f"no SLO can be about {metric}; name another figure, such as {task}/{figure}"
    examples = [family.example for family in METRICS[task] if not family.figure]
    others = " and others" if len(examples) > _NAMED else ""
    return f"task {task} makes no metric {metric}; it makes {', '.join(examples[:_NAMED])}{others}"
