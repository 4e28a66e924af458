"""``autox history``: the experiments of a namespace and what became of them, the newest last, where the eye is."""

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from autox.cli.parts.describing import described, details
from autox.cli.parts.output import output_option
from autox.cli.parts.places import experiments_of
from autox.cli.parts.tables import age, table
from autox.cli.parts.targeting import Target, target_options
from autox.kube.client import KubeClient
from autox.model.groups import OPT_IN_LABEL
from autox.report.legible import columns as columns_of
from autox.report.legible import fitted, legible, wrapped
from autox.store.experiments import ReadExperiment, Readings, experiments

BRIEF, WHOLE = 2, 20  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which experiments; namespace None for all."""

    namespace: str | None
    group: str
    spec: str


@click.command()
@click.option("-g", "--group", default="", metavar="NAME", help="Of this experiment group only.")
@click.option("-s", "--spec", default="", metavar="NAME", help="Of this experiment spec only.")
@target_options
@output_option
def history(*, target: Target, group: str, spec: str, output: str) -> None:
    """List experiments and their verdicts, the newest last.

    Without -g, those in a namespace: an experiment is in that of the object that
    it tests. With -g, those of the group in that namespace, wherever they are.
    What was not met is told below each that did not pass; `autox report NAME`
    has it all.
    """
    connection = target.connection()
    wanted = Wanted(namespace=target.place(connection), group=group, spec=spec)

    async def read() -> Readings:
        async with KubeClient(connection) as kube:
            if group:
                return await experiments_of(kube, group, namespace=wanted.namespace, spec=spec)
            return await experiments(kube, namespace=wanted.namespace, spec=spec)

    found = asyncio.run(read())
    for trouble in found.troubles:
        click.echo(f"left out: {legible(trouble)}", err=True)
    if output == "json":
        click.echo(json.dumps({"experiments": [described(each) for each in found.experiments]}, indent=2))
    elif not found.experiments:
        click.echo(_nothing(wanted))
    else:
        columns = shutil.get_terminal_size(fallback=(80, 24)).columns
        click.echo(
            shown(found.experiments, now=datetime.now(UTC), columns=columns, with_namespace=_is_spread(found, wanted))
        )


def shown(
    found: Sequence[ReadExperiment],
    *,
    now: datetime,
    columns: int = 80,
    with_namespace: bool = False,
    lines: int = BRIEF,
) -> str:
    """Experiments as lines of text; columns are left out as long as the table is too wide.

    Group and spec go first, since the name of an experiment begins with both; then the phase, of which the verdict
    says the most part. That a version was tested again is a column of its own where it happened.

    Args:
        found: a row each, in this order.
        now: to which ages are counted.
        columns: how wide the terminal is.
        with_namespace: whether the rows say in which namespace each is.
        lines: so many at most below an experiment for each reason why it did not pass.
    """
    cells = [_cells(each, now) for each in found]
    names = ["NAMESPACE"] if with_namespace else []
    names += ["GROUP", "SPEC", "VERSION", "REVISION", "PHASE", "VERDICT", "AGE", "EXPERIMENT"]
    if all(each.record.identity.revision == 1 for each in found):
        names.remove("REVISION")
    for less in ((), ("GROUP", "SPEC"), ("PHASE",)):
        names = [name for name in names if name not in less]
        rows = table(names, [[row[name] for name in names] for row in cells]).splitlines()
        if max(map(columns_of, rows)) <= columns:
            break
    told = [rows[0]]
    for row, each in zip(rows[1:], found, strict=True):
        told += [row, *(line for detail in details(each) for line in _paragraph(detail, columns, lines))]
    return "\n".join(told)


def _paragraph(text: str, columns: int, limit: int) -> Iterator[str]:
    """A text under the row of its experiment, in so many lines at most."""
    lines = wrapped(text, max(20, columns - 2))
    kept, rest = lines[: limit - 1], lines[limit - 1 :]
    yield from (f"  {line}" for line in kept)
    if rest:
        yield fitted(f"  {' '.join(rest)}", columns)


def _cells(each: ReadExperiment, now: datetime) -> Mapping[str, str]:
    record, identity = each.record, each.record.identity
    return {
        "NAMESPACE": record.namespace,
        "GROUP": identity.group,
        "SPEC": identity.spec,
        "VERSION": legible(identity.version),
        "REVISION": str(identity.revision),
        "PHASE": record.phase.value,
        "VERDICT": record.verdict.value if record.verdict else "-",
        "AGE": age((now - record.created_at).total_seconds()),
        "EXPERIMENT": record.name,
    }


def _is_spread(found: Readings, wanted: Wanted) -> bool:
    """Whether a reader could not know where each is."""
    return {each.record.namespace for each in found.experiments} != {wanted.namespace}


def _nothing(wanted: Wanted) -> str:
    of = "".join(f" of {what} {name}" for what, name in (("spec", wanted.spec), ("group", wanted.group)) if name)
    where = f" in namespace {wanted.namespace}" if wanted.namespace else "" if wanted.group else " in this cluster"
    return (
        f"There are no experiments{of}{where}.\n"
        f"One is launched for each version of an object that a group names and that has\n"
        f"opted in, in that object's namespace:\n"
        f"  kubectl label deployment/NAME {OPT_IN_LABEL}=true\n"
        f"`autox why deployment/NAME` tells what is missing; `autox history -A` looks in\n"
        f"all namespaces."
    )
