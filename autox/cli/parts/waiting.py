"""Looks at experiments again and again until what is asserted of them is known, or the time is over.

A group is asked for the experiments of its trigger's present version, trigger and all; those of an older version say
nothing. While the trigger has not been relabelled, seen by the controller, or tested to the end, the answer is "not
yet".

Everything is read anew at each look; a watch of the experiments only says when to look. Rejected: to derive it all
from watches, since the trigger may be of any kind, which the user may read but not watch.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass

from autox.cli.parts import groups
from autox.cli.parts.assertions import Checked, Condition, check, exit_code, missing
from autox.core.experiments.deciding import is_of_other_pods
from autox.kube.client import KubeClient
from autox.kube.watch import watch
from autox.model.errors import InvalidError, NotFoundError, TransientError
from autox.model.groups import ExperimentGroup
from autox.model.labels import GROUP
from autox.model.refs import EXPERIMENTS
from autox.model.trigger import TriggerSnapshot
from autox.store.experiments import ReadExperiment, experiment, experiments
from autox.store.releases import released

LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which experiments must meet which conditions: the one of that name, or those of a group or of one spec of it."""

    namespace: str
    name: str
    group: str
    spec: str
    conditions: tuple[Condition, ...]


async def checked_within(
    kube: KubeClient, wanted: Wanted, *, seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[Checked]:
    """The answers, as soon as they come to something, or as they are when the time is over.

    Args:
        kube: with the user's rights.
        wanted: what is asked of which experiments.
        seconds: how long to wait; with 0 it looks once.
        clock: seconds, monotonic.

    Raises:
        AutoxError: there is no such experiment, group or spec; or the API server could not be read to the end.
    """
    deadline = clock() + seconds
    async with AsyncExitStack() as stack:
        news: asyncio.Event | None = None
        while True:
            left = deadline - clock()
            try:
                checked = await _look(kube, wanted)
                if exit_code(checked) is not None or left <= 0:
                    return checked
            except TransientError:
                if left <= 0:
                    raise
            if news is None:
                # Most gates are asked when all is known: only those that must wait need a watch.
                news = await stack.enter_async_context(_news(kube, wanted))
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), min(LOOK_SECONDS, left))
            news.clear()


async def _look(kube: KubeClient, wanted: Wanted) -> list[Checked]:
    if wanted.name:
        return [check(await _named(kube, wanted.namespace, wanted.name), wanted.conditions)]
    found = await groups.group(kube, wanted.namespace, wanted.group)
    if found.wanted is None:
        raise InvalidError(f"nothing is launched for this group: {found.flaw}")
    specs = [spec.name for spec in found.wanted.specs if wanted.spec in ("", spec.name)]
    if not specs:
        known = ", ".join(spec.name for spec in found.wanted.specs)
        raise NotFoundError(f"group {wanted.group} has no spec {wanted.spec}", hint=f"Its specs: {known}")
    trigger = await groups.trigger_of(kube, found, found.wanted)
    version = trigger.labels.get(found.wanted.version_label, "")
    nothing = groups.obstacle(found.wanted, trigger)
    if nothing is not None or not found.is_seen:
        why = nothing.message if nothing else "the controller has not seen the group as it is now"
        return [missing(spec, version, wanted.conditions, why=why) for spec in specs]
    listed = await experiments(kube, namespace=found.wanted.trigger.namespace, group=wanted.group)
    current = [each for each in listed.experiments if _is_of(each, found.wanted, trigger, version)]
    checked = []
    for spec in specs:
        # NB: sorted, and the last one wins: two revisions may be there while one of them is being deleted.
        mine = sorted(
            (each for each in current if each.record.identity.spec == spec),
            key=lambda each: each.record.identity.revision,
        )
        why = ". ".join(filter(None, (f"no experiment tests version {version} yet", found.trouble)))
        checked.append(
            check(mine[-1], wanted.conditions) if mine else missing(spec, version, wanted.conditions, why=why)
        )
    return checked


async def _named(kube: KubeClient, namespace: str, name: str) -> ReadExperiment:
    """An experiment by its name: with a record, or of a release of its own."""
    try:
        return await experiment(kube, namespace, name)
    except NotFoundError:
        release = await released(kube, namespace, name)
        if release is None:
            raise
    if release.gone:
        hint = f"`autox report -n {namespace} {name}` shows what was found out last."
        raise NotFoundError(f"experiment {namespace}/{name} cannot be judged: {release.gone} is gone", hint=hint)
    return release.experiment


def _is_of(each: ReadExperiment, wanted: ExperimentGroup, trigger: TriggerSnapshot, version: str) -> bool:
    """Whether an experiment is of this group, and of the trigger as it is now."""
    identity = each.record.identity
    return (
        each.is_current
        and identity.group_namespace == wanted.namespace
        and identity.trigger_uid == trigger.uid
        and identity.version == version
        and not each.record.is_asked_again
        and not is_of_other_pods(each.record, wanted, trigger)
    )


@asynccontextmanager
async def _news(kube: KubeClient, wanted: Wanted) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever an experiment may have changed."""
    news = asyncio.Event()

    async def listen() -> None:
        # NB: the group's trigger may be in any namespace; where watching is not allowed, looking each while will do.
        namespace, selector = (wanted.namespace, "") if wanted.name else (None, f"{GROUP}={wanted.group}")
        events = watch(kube, EXPERIMENTS, namespace=namespace, label_selector=selector, metadata_only=True)
        async with aclosing(events):
            async for _ in events:
                news.set()

    listening = asyncio.create_task(listen())
    try:
        yield news
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
