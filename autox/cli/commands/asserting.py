"""``autox assert``: a gate for pipelines, which opens only for the version that is there now; see ``waiting``."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence

import click

from autox.cli.parts.assertions import TIMED_OUT, Answer, Checked, Condition, exit_code
from autox.cli.parts.output import output_option
from autox.cli.parts.places import place_of, place_of_experiment
from autox.cli.parts.tables import paragraph
from autox.cli.parts.targeting import Target, target_options
from autox.cli.parts.waiting import Wanted, checked_within
from autox.core.formats.notation import parse_duration
from autox.kube.client import KubeClient
from autox.model.refs import EXPERIMENT_GROUPS
from autox.report.legible import legible


class Seconds(click.ParamType[float]):
    """A duration such as 90s or 5m; a number alone is seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See ``click.ParamType``: the seconds."""
        if isinstance(value, float):
            return value
        try:
            return parse_duration(f"{value}s" if value.isdecimal() else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Conditions(click.ParamType[tuple[Condition, ...]]):
    """One condition or several, joined by commas, in any case."""

    name = "conditions"

    def convert(
        self, value: str | tuple[Condition, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Condition, ...]:
        """See ``click.ParamType``: the conditions in the order given."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(Condition(word.strip().lower()) for word in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not made of {', '.join(Condition)}", param, ctx)


@click.command("assert")
@click.argument("name", required=False, default="")
@click.option("-g", "--group", default="", metavar="NAME", help="The experiments of this group.")
@click.option("-s", "--spec", default="", metavar="NAME", help="Of the group, this experiment spec only.")
@click.option(
    "-c",
    "--condition",
    "given",
    type=Conditions(),
    multiple=True,
    required=True,
    metavar="CONDITION",
    help="completed, nofailure or slos; several by commas or by repeating it.",
)
@click.option(
    "--timeout",
    type=Seconds(),
    default="0",
    show_default=True,
    metavar="DURATION",
    help="Wait so long for what is not known yet (90s, 5m); 0 looks once.",
)
@target_options
@output_option
def assert_(
    *,
    target: Target,
    name: str,
    group: str,
    spec: str,
    given: tuple[tuple[Condition, ...], ...],
    timeout: float,
    output: str,
) -> None:
    """Check verdicts: exit 0 if they are as wanted.

    NAME is an experiment, or a release of charts/experiment. With -g, every spec of the group must have an
    experiment of the version that the trigger has now, and each must meet every
    condition: completed (every task has run), nofailure (none of them failed, and
    there was something to judge), slos (every SLO was met).

    Exit code: 0 if all hold, 1 if an SLO was not met, 2 if the options make no
    sense, 3 on errors and without data, 4 if it took too long.
    """
    if bool(name) == bool(group):
        raise click.UsageError("say either the NAME of an experiment or a group (-g)")
    if spec and not group:
        raise click.UsageError("-s names a spec of a group: say -g too")
    connection = target.connection()
    conditions = tuple(dict.fromkeys(condition for several in given for condition in several))

    async def wait() -> list[Checked]:
        async with KubeClient(connection) as kube:
            place = target.place(connection)
            if group:
                place = await place_of(kube, EXPERIMENT_GROUPS, group, namespace=place)
            else:
                place = await place_of_experiment(kube, name, namespace=place)
            wanted = Wanted(namespace=place, name=name, group=group, spec=spec, conditions=conditions)
            return await checked_within(kube, wanted, seconds=timeout)

    checked = asyncio.run(wait())
    code = exit_code(checked)
    code = TIMED_OUT if code is None else code
    click.echo(_as_json(checked, code) if output == "json" else _as_text(checked, code, timeout))
    sys.exit(code)


def _as_text(checked: Sequence[Checked], code: int, timeout: float) -> str:
    lines: list[str] = []
    columns = shutil.get_terminal_size(fallback=(80, 24)).columns
    for each in checked:
        what = each.name or f"spec {each.spec}"
        # NB: a release of its own has no version, and a spec that waits for one does.
        version = legible(each.version) or ("" if each.name else "unknown")
        lines.append(f"{what}  version {version}" if version else what)
        told: set[str] = set()
        for finding in each.findings:
            margin = f"  {finding.condition.value:<9}  {finding.answer.value:<7}  "
            text = list(paragraph(margin, finding.seen, columns))
            lines += [f"{margin}for the same reason"] if len(text) > 1 and finding.seen in told else text
            told.add(finding.seen)
    if code == TIMED_OUT:
        lines.append(f"not known after {timeout:g} s" if timeout else "not known yet; --timeout waits for it")
    return "\n".join(lines)


def _as_json(checked: Sequence[Checked], code: int) -> str:
    return json.dumps(
        {
            "holds": code == 0,
            "exitCode": code,
            "experiments": [
                {
                    "name": each.name,
                    "spec": each.spec,
                    "version": each.version,
                    "conditions": [
                        {
                            "condition": finding.condition.value,
                            "holds": {Answer.YES: True, Answer.NO: False}.get(finding.answer),
                            "seen": finding.seen,
                        }
                        for finding in each.findings
                    ],
                }
                for each in checked
            ],
        },
        indent=2,
    )
