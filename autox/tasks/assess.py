"""Task ``assess``: hold the metrics of the tasks before it against the SLOs.

The judging itself is pure and lives in ``autox.core.experiments.assessing``. An SLO that is not met is no failure of
this task.
"""

from autox.api.tasks.assess import KIND
from autox.core.experiments.assessing import assess_all
from autox.model.tasks import AssessInputs
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext


async def run(inputs: AssessInputs, context: TaskContext) -> Findings:
    """Assess each SLO; of two tasks with metrics of one name each must meet it."""
    outcomes = assess_all(inputs.slos, context.done, assessor=KIND.name)
    met = sum(outcome.verdict is Verdict.PASS for outcome in outcomes)
    return Findings(message=f"{met} of {len(outcomes)} SLOs met", slos=outcomes)
