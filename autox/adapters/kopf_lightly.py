"""kopf, imported without the official client.

kopf imports that client wherever it is installed, to know its objects when it meets them, and never meets one here: a
third of the CPU that a controller needs until it leads, and 10 MB. A controller that was killed is back sooner
without (docs/benchmarks.md). We need the client elsewhere, for credential plugins alone; there it is imported when one
is asked. aiohttp, which kopf imports too, has been imported lightly before. The modules of this package that speak kopf
import it from here.
"""

import sys

from autox.wire.lightly import aiohttp

_CLIENT = "kubernetes"
_IS_THERE = _CLIENT in sys.modules

if not _IS_THERE:
    sys.modules[_CLIENT] = None  # type: ignore[assignment]  # which makes its import fail, as if it were not installed
try:
    import kopf
finally:
    if not _IS_THERE:
        del sys.modules[_CLIENT]

__all__ = ["aiohttp", "kopf"]
