"""A command that is told to end ends in good order; one that is told twice, at once."""

import asyncio
import signal


def stop_on_signals(stop: asyncio.Event) -> None:
    """Have the first SIGTERM, and the first Ctrl-C, set ``stop``; must be called in the event loop."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        stop.set()
        # NB: it ends in good order now; whoever asks again does not want to wait for that.
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
