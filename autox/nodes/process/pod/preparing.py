"""When the volumes of a pod are set up, tried again and brought up to date; ``sandbox`` is what does it.

Nothing of a pod starts before its volumes are there. Afterwards they are read again every so often, each pod at a time
of its own, so that changed Secrets and ConfigMaps and fresh tokens reach the files of running containers.
"""

import random
from collections.abc import Callable

from autox.core.backoff import Backoff
from autox.kube.objects import Object
from autox.model.errors import AutoxError
from autox.nodes.process.clock import Clock
from autox.nodes.process.pod.sandbox import PodSandbox

RETRY = Backoff(initial=0.05, limit=10.0)
"""Between attempts to set up volumes: short at first, see QUIET_FAILURES."""

QUIET_FAILURES = 2
"""So many failures in a row are not told: the API server's node authorizer learns a moment after the node itself that
a pod is bound to it, and until then refuses its Secrets, ConfigMaps and tokens."""

SPREAD = 0.2
"""The share of the refresh period by which pods differ, so that not all of them read at once."""


class Preparing:
    """The volumes of one pod.

    Attributes:
        ready: they are set up.
        blocked_until: they could not be set up, and will be tried again at this instant.
        refresh_at: when they are read again; None if nothing in them can change, or nobody would see it.
    """

    def __init__(
        self, sandbox: PodSandbox, *, clock: Clock, refresh_seconds: float, on_failure: Callable[[AutoxError], None]
    ) -> None:
        """Prepare nothing before ``when_due``.

        Args:
            sandbox: makes the volumes.
            clock: the time.
            refresh_seconds: how old what they show may get.
            on_failure: told what is worth an Event.
        """
        self.ready = False
        self.blocked_until: float | None = None
        self.refresh_at: float | None = None
        self._sandbox, self._clock, self._refresh_seconds = sandbox, clock, refresh_seconds
        self._on_failure = on_failure
        self._failures = 0

    async def when_due(self, pod: Object) -> bool:
        """Set the volumes up or bring them up to date if it is time to; whether it was."""
        now = self._clock.now()
        if not self.ready and (self.blocked_until is None or now >= self.blocked_until):
            await self._set_up(pod)
            return True
        if self.refresh_at is not None and now >= self.refresh_at:
            try:
                await self._sandbox.refresh(pod)
            except AutoxError as error:
                self._on_failure(error)
            self._plan_refresh()
            return True
        return False

    def hurry(self) -> None:
        """Have them read again at once."""
        if self.refresh_at is not None:
            self.refresh_at = self._clock.now()

    def rest(self) -> None:
        """Read them no more: the pod ends."""
        self.refresh_at = None

    async def _set_up(self, pod: Object) -> None:
        try:
            await self._sandbox.set_up(pod)
        except AutoxError as error:
            self._failures += 1
            self.blocked_until = self._clock.now() + RETRY.delay(self._failures)
            if self._failures > QUIET_FAILURES:
                self._on_failure(error)
        else:
            self.ready, self.blocked_until = True, None
            self._plan_refresh()

    def _plan_refresh(self) -> None:
        if self._sandbox.refreshable:
            spread = 1 - SPREAD * random.random()  # noqa: S311  - jitter
            self.refresh_at = self._clock.now() + self._refresh_seconds * spread
