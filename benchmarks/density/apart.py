"""``autox run`` whose load test finds its virtual nodes instead of bringing them: what the driver alone costs.

    python -m benchmarks.density.apart TOKEN -f FILE …    # the rest as for `autox run`

The load test's own nodes are in its process. Here somebody else serves nodes of the names and with the marks that the
run would give its own, so that the run's name has to be known beforehand: ``TOKEN``, eight hexadecimal digits. All the
rest, from the command line to the report, is what users run. Rejected: an option of the task for this, which nobody
else has asked for.
"""

import asyncio
import sys
from collections.abc import Callable

from autox.cli.main import main
from autox.model.result import Subject
from autox.tasks.density import task
from autox.tasks.density.fleets.fleet import Fleet
from autox.tasks.density.labels import RunLabels


class FleetApart(Fleet):
    """Nodes that another process serves."""

    async def serve(self, then: Callable[[], None] = lambda: None) -> None:
        """Leave it to that process."""
        del then
        await asyncio.Event().wait()


def run_of(token: str) -> RunLabels:
    """The labels of the run of a token."""
    return RunLabels.of(Subject(), token=token)


if __name__ == "__main__":
    token = sys.argv[1]
    vars(task).update(Fleet=FleetApart, token_hex=lambda _count: token)
    sys.argv = ["autox", "run", *sys.argv[2:]]
    main()
