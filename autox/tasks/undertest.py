"""Whether one set of pods answered from the first request to the last: the trigger is looked at all the time.

A label says which version is under test, and the pod template what runs. Before the first load the rollout of the
trigger must be over, for half of the answers would be the old pods' otherwise; after each load the template must be
the one that it was before, and have been no other meanwhile (``templatewatch``). That takes the right to get and watch
the trigger itself, which the controller has the chart give to experiments of triggers that have a pod template. With
the right to list pods the result says which pods of which template there were before and after.

The experiment's record says which template it was launched for. That another one runs by the time of the first load
is no matter here: those are the pods that are tested, and the controller tests anew what was recorded wrongly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from autox.core.experiments.templates import is_another
from autox.core.experiments.wording import REPLACED_IN_MID_TEST
from autox.core.experiments.workloadpods import PodSet, label_selector, pod_set, told, unfinished
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AutoxError, DeadlineError, NotFoundError, PermanentError
from autox.model.refs import PODS, ObjectRef
from autox.tasks.retry import RetryPolicy
from autox.tasks.templatewatch import Sight, TemplateWatch, sight_of

ROLLOUT_SECONDS = 60.0
"""For so long a rollout may go on before a load begins; task ``ready`` can be told to wait longer."""

_PAUSE = 0.5


class UnderTest:
    """The trigger of an experiment, as it was when the load began."""

    def __init__(
        self,
        kube: KubeClient,
        trigger: ObjectRef,
        *,
        retry: RetryPolicy,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Look at nothing yet.

        Args:
            kube: may read the trigger.
            trigger: what is under test.
            retry: how long to try where the API server does not answer.
            say: shows what is waited for.
            clock: seconds, monotonic.
            sleep: waits.
        """
        self._kube = kube
        self._trigger = trigger
        self._retry = retry
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._watch = TemplateWatch(kube, trigger)
        self._before: Sight | None = None
        self._selector = ""
        self._pods: PodSet | None = None  # before the load; None where it is not known
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
            await self._watch.begin()
            if self._watch.blind:
                self._unseen = f"pods that were replaced in mid-test and back again are not seen: {self._watch.blind}"
            self._pods = await self._listed()
        return self._unseen

    async def pods(self) -> str:
        """Which pods of which template there were when the load began, and are now; empty if nobody knows."""
        return "" if self._pods is None else told(self._pods, await self._listed())

    async def close(self) -> None:
        """Look no longer."""
        await self._watch.close()

    async def changed(self) -> str:
        """Why what was measured since ``begin`` is about no one set of pods; empty if it is."""
        if self._before is None:
            return ""
        try:
            after = sight_of(await self._read(), self._trigger)
        except NotFoundError:
            return f"{self._trigger} was deleted in mid-test"
        except AutoxError as error:
            return f"nobody knows whether the pods were replaced in mid-test: {error.message}"
        before = self._before
        if after.uid != before.uid:
            return f"{REPLACED_IN_MID_TEST}: {self._trigger} was deleted and created again"
        has_changed = f"{REPLACED_IN_MID_TEST}: the pod template of {self._trigger} has changed"
        if is_another(before.template, after.template):
            return f"{has_changed}{_between(before, after)}"
        await self._watch.up_to(after.version)
        others = (each for each in self._watch.sights if is_another(before.template, each.template))
        other = next(others, None)
        return f"{has_changed}{_between(before, other)}, and was changed back" if other else ""

    async def _listed(self) -> PodSet | None:
        """The pods, where they can be known: the right to list them may not be there."""
        if not self._selector:
            return None
        try:
            found = await self._kube.list(PODS, namespace=self._trigger.namespace, label_selector=self._selector)
        except AutoxError:
            return None
        return pod_set(found.items)

    async def _seen(self, *, rolled_out: bool) -> Sight:
        began, told = self._clock(), ""
        while True:
            found = await self._read()
            missing = unfinished(found) if rolled_out else ""
            if not missing:
                self._selector = label_selector((found.get("spec") or {}).get("selector"))
                return sight_of(found, self._trigger)
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
        return await self._retry.until_done(
            lambda: self._kube.get(trigger.api_resource, trigger.name, namespace=trigger.namespace)
        )


def _between(one: Sight, other: Sight) -> str:
    if one.images == other.images:
        return ""
    return f" from {', '.join(one.images)} to {', '.join(other.images)}"
