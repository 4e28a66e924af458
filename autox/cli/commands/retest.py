"""``autox retest``: the version that is deployed now is tested once more, and the verdict that there is stays.

The wish is an annotation on the experiment's record. Whoever looks at the group next, now or after a restart, deletes
that experiment and launches the next revision beside its record; a record that is deleted already asks for nothing,
so nobody has to take the annotation away. Deleting the record instead would lose the verdict.
"""

import asyncio

import click

from autox.cli.parts import groups
from autox.cli.parts.targeting import Target, target_options
from autox.kube.client import KubeClient
from autox.model.errors import InvalidError, NotFoundError
from autox.report.legible import legible
from autox.store.experiments import ReadExperiment, experiment, experiments
from autox.store.records import ask_again


@click.command()
@click.argument("name", required=False, default="")
@click.option("-g", "--group", default="", metavar="NAME", help="The experiments of this group (-n: the group's).")
@click.option("-s", "--spec", default="", metavar="NAME", help="Of the group, this experiment spec only.")
@target_options
def retest(*, target: Target, name: str, group: str, spec: str) -> None:
    """Test the version that is deployed now once more.

    NAME is an experiment; with -g the current ones of a group. What runs is
    ended; the record stays with its verdict, and the next revision begins
    beside it.
    """
    if bool(name) == bool(group):
        raise click.UsageError("say either the NAME of an experiment or a group (-g)")
    if spec and not group:
        raise click.UsageError("-s names a spec of a group: say -g too")
    connection = target.connection()
    namespace = target.namespace or connection.namespace

    async def ask() -> list[ReadExperiment]:
        async with KubeClient(connection) as kube:
            if name:
                found = [await _current(kube, namespace, name)]
            else:
                found = await _current_of(kube, namespace, group, spec)
            for each in found:
                await ask_again(kube, each.record)
            return found

    for each in asyncio.run(ask()):
        identity = each.record.identity
        click.echo(f"{each.record.name}: version {legible(identity.version)} is to be tested again")


async def _current(kube: KubeClient, namespace: str, name: str) -> ReadExperiment:
    found = await experiment(kube, namespace, name)
    if not found.is_current:
        raise InvalidError(
            f"experiment {name} is not the current one: it was deleted ({found.record.reason})",
            hint="`autox history` lists the experiments; -g names the current ones of a group.",
        )
    return found


async def _current_of(kube: KubeClient, namespace: str, group: str, spec: str) -> list[ReadExperiment]:
    found = await groups.group(kube, namespace, group)
    if found.trigger is None:
        raise InvalidError(f"nothing is launched for this group: {found.flaw}")
    listed = await experiments(kube, namespace=found.trigger.namespace, group=group, spec=spec)
    mine = [
        each for each in listed.experiments if each.is_current and each.record.identity.group_namespace == namespace
    ]
    if not mine:
        what = f"spec {spec} of group {group}" if spec else f"group {group}"
        raise NotFoundError(f"{what} has no current experiment", hint="`autox why KIND/NAME` tells why.")
    return mine
