"""Task ``assess``: hold the metrics of the tasks before it against the SLOs.

The judging itself is pure and lives in ``autox.core.assessing``. An SLO that is not met is no failure of this task.
"""

from autox.core.assessing import assess
from autox.model.tasks import AssessInputs
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext


async def run(inputs: AssessInputs, context: TaskContext) -> Findings:
    """Assess each SLO; of two metrics with one name the later task's counts."""
    outcomes = assess(inputs.slos, {metric.name: metric for task in context.done for metric in task.metrics})
    met = sum(outcome.verdict is Verdict.PASS for outcome in outcomes)
    return Findings(message=f"{met} of {len(outcomes)} SLOs met", slos=outcomes)
