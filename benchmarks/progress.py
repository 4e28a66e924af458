"""How long a benchmark has been running, and at what."""

import sys
import time
from collections.abc import Callable


def saying(what: str, began: float) -> Callable[[str], None]:
    """What tells a step on standard error: minutes and seconds, what is measured, and the step.

    Args:
        what: is measured.
        began: when the benchmark did, on the monotonic clock.
    """

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        print(f"{minutes:3}:{seconds:02} {what}: {text}", file=sys.stderr, flush=True)

    return say
