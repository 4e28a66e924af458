"""``autox retire``: end what an installation runs, before its controller goes; a hook of the chart runs it.

The controller itself removes the experiments of a group that was deleted, and says so in their records. So the groups
go first, while it and its rights are still there, and this command only waits until it has done its work.
"""

import asyncio
import time
from contextlib import suppress

import click

from autox.cli.parts.targeting import Target, target_options
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import DeadlineError, NotFoundError
from autox.model.refs import EXPERIMENT_GROUPS
from autox.model.verdict import Phase
from autox.store.records import SELECTOR, each_record

PACE = 0.5  # seconds


@click.command()
@click.option("-l", "--selector", required=True, metavar="LABELS", help="Which groups, as in kubectl.")
@click.option("--timeout", default=120.0, show_default=True, metavar="SECONDS", help="How long to wait.")
@target_options
def retire(*, target: Target, selector: str, timeout: float) -> None:
    """Delete experiment groups and wait until their experiments are gone.

    The records stay. `helm uninstall` runs this first, unless the chart was
    installed with keepExperiments.
    """
    connection = target.connection()

    async def run() -> int:
        async with KubeClient(connection) as kube:
            return await _retire(kube, target.namespace or connection.namespace, selector, timeout)

    count = asyncio.run(run())
    click.echo(f"{count} experiment {'group' if count == 1 else 'groups'} deleted; none of their experiments is left")


async def _retire(kube: KubeClient, namespace: str, selector: str, seconds: float) -> int:
    listing = await kube.list_metadata(EXPERIMENT_GROUPS, namespace=namespace, label_selector=selector)
    names = {metadata(each)["name"] for each in listing.items}
    for name in names:
        with suppress(NotFoundError):
            await kube.delete(EXPERIMENT_GROUPS, name, namespace=namespace)
    deadline = time.monotonic() + seconds
    while left := await _left(kube, namespace, names):
        if time.monotonic() > deadline:
            raise DeadlineError(
                f"{len(left)} experiments are still there after {seconds:g} s, {left[0]} for one",
                hint="Does the controller run? `helm uninstall --no-hooks` leaves them as they are.",
            )
        await asyncio.sleep(PACE)
    return len(names)


async def _left(kube: KubeClient, namespace: str, groups: set[str]) -> list[str]:
    return [
        f"{each.namespace}/{each.name}"
        async for each in each_record(kube, SELECTOR, None)
        if each.identity.group_namespace == namespace
        and each.identity.group in groups
        and each.phase is not Phase.DELETED
    ]
