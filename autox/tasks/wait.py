"""Task ``wait``: let some time pass, and say how much is left of it."""

import asyncio
import time
from math import ceil

from autox.api.tasks.wait import WaitInputs
from autox.tasks.context import Findings, TaskContext

_TELL = 10.0  # seconds between two lines of progress


async def run(inputs: WaitInputs, context: TaskContext) -> Findings:
    """Come back when the time has passed; a run that is ended meanwhile does not wait for that."""
    until = time.monotonic() + inputs.seconds
    while (left := until - time.monotonic()) > 0:
        context.say(f"{ceil(left)} s left")
        await asyncio.sleep(min(_TELL, left))
    return Findings(message=f"waited {inputs.seconds} s")
