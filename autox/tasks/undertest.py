"""Whether one set of pods answered from the first request to the last: the trigger is looked at before and after.

A label says which version is under test, and the pod template what runs. Before the first load the rollout of the
trigger must be over, for half of the answers would be the old pods' otherwise; after each load the template must be
the one that it was before. Neither needs more than the right to read the trigger itself, which the controller has the
chart give to experiments of triggers that have a pod template.

The experiment's record says which template it was launched for. That another one runs by the time of the first load
is no matter here: those are the pods that are tested, and the controller tests anew what was recorded wrongly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from autox.core.rollouts import unfinished
from autox.core.templates import images_of, is_another, template_of
from autox.core.wording import REPLACED_IN_MID_TEST
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import AutoxError, DeadlineError, NotFoundError, PermanentError
from autox.model.refs import ObjectRef
from autox.tasks.patience import Patience

ROLLOUT_SECONDS = 60.0
"""For so long a rollout may go on before a load begins; task ``ready`` can be told to wait longer."""

_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    uid: str
    template: str
    images: tuple[str, ...]


class UnderTest:
    """The trigger of an experiment, as it was when the load began."""

    def __init__(
        self,
        kube: KubeClient,
        trigger: ObjectRef,
        *,
        patience: Patience,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Look at nothing yet.

        Args:
            kube: may read the trigger.
            trigger: what is under test.
            patience: how long to try where the API server does not answer.
            say: shows what is waited for.
            clock: seconds, monotonic.
            sleep: waits.
        """
        self._kube = kube
        self._trigger = trigger
        self._patience = patience
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._before: _Sight | None = None
        self._unseen = ""

    async def begin(self, *, rolled_out: bool) -> str:
        """Look at the trigger before the first load; later calls keep what the first one saw.

        Args:
            rolled_out: wait until its rollout is over.

        Returns:
            Why nothing can be said about its pods; empty if something can.

        Raises:
            DeadlineError: the rollout goes on and on.
            AutoxError: the API server did not answer.
        """
        if self._before is None and not self._unseen:
            try:
                self._before = await self._seen(rolled_out=rolled_out)
            except PermanentError as error:
                self._unseen = f"whether the pods were replaced in mid-test was not looked at: {error.message}"
        return self._unseen

    async def changed(self) -> str:
        """Why what was measured since ``begin`` is about no one set of pods; empty if it is."""
        if self._before is None:
            return ""
        try:
            after = _sight(await self._read(), self._trigger)
        except NotFoundError:
            return f"{self._trigger} was deleted in mid-test"
        except AutoxError as error:
            return f"nobody knows whether the pods were replaced in mid-test: {error.message}"
        before = self._before
        if after.uid != before.uid:
            return f"{REPLACED_IN_MID_TEST}: {self._trigger} was deleted and created again"
        if not is_another(before.template, after.template):
            return ""
        images = (
            f" from {', '.join(before.images)} to {', '.join(after.images)}" if before.images != after.images else ""
        )
        return f"{REPLACED_IN_MID_TEST}: the pod template of {self._trigger} has changed{images}"

    async def _seen(self, *, rolled_out: bool) -> _Sight:
        began, told = self._clock(), ""
        while True:
            found = await self._read()
            missing = unfinished(found) if rolled_out else ""
            if not missing:
                return _sight(found, self._trigger)
            if self._clock() - began >= ROLLOUT_SECONDS:
                raise DeadlineError(
                    f"the rollout of {self._trigger} has not ended within {ROLLOUT_SECONDS:g} s: {missing}",
                    hint="Put a task ready with a longer timeout before the load.",
                )
            if missing != told:
                told = missing
                self._say(f"waiting for the rollout of {self._trigger}: {missing}")
            await self._sleep(_PAUSE)

    async def _read(self) -> Object:
        trigger = self._trigger
        return await self._patience.until_done(
            lambda: self._kube.get(trigger.api_resource, trigger.name, namespace=trigger.namespace)
        )


def _sight(found: Object, trigger: ObjectRef) -> _Sight:
    template = template_of(found, group=trigger.group)
    return _Sight(uid=str(metadata(found).get("uid", "")), template=template, images=images_of(found))
