"""One trial: a control plane that comes for it, a load test by the code of ``autox run``, and its end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from autox.model.matrix import Slot
from autox.model.result import ExperimentResult
from autox.model.tasks import TaskSpec
from autox.tasks.density.matrix.bench import Bench, StoppedError
from autox.tasks.performing import Request, perform


async def attempt(
    slot: Slot, bench: Bench, *, say: Callable[[str], None], stop: asyncio.Event
) -> ExperimentResult | None:
    """Make a trial; None if it was ended before its result was whole.

    Args:
        slot: which.
        bench: where.
        say: shows a line of progress.
        stop: set it to end it in good order.

    Raises:
        AutoxError: the control plane does not come up, or something of it stays.
    """
    variant = slot.variant
    inputs = replace(variant.inputs, cluster=bench.place.name)
    spec = TaskSpec(name="density", inputs=inputs, shown=variant.shown)
    try:
        async with bench.up(variant, stop=stop) as effective:
            ended = await perform(Request(specs=(spec,), environ=bench.environ, say=say), stop=stop)
    except StoppedError:
        return None
    if stop.is_set():
        return None
    return replace(ended.result, environment={**ended.result.environment, **effective})
