"""``autox report``: the result of one experiment, from the cluster or from a file, for people and for programs.

It is a reader: a report that was shown well exits 0 whatever its verdict; ``autox assert`` is the gate. ``--output``
is the format, as everywhere; the ending of the file of ``--to`` tells the format where nothing else does.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from autox.api.results import LIMIT_BYTES, object_from_result, result_from_object
from autox.cli.parts.lazygroup import loaded
from autox.cli.parts.places import place_of_experiment
from autox.cli.parts.results import Shown, newest_result, result_of
from autox.cli.parts.targeting import Target, target_options
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError
from autox.report.document import document
from autox.report.legible import legible
from autox.report.text import to_text

FORMATS = ("text", "html", "json")


@click.command()
@click.argument("name", required=False)
@click.option("-g", "--group", help="Without NAME: the newest experiment of this group.")
@click.option(
    "-f",
    "--file",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Report on a result that `autox run -o json` wrote; - is standard input.",
)
@click.option("-o", "--output", type=click.Choice(FORMATS), help="How to show it.  [default: as FILE ends, else text]")
@click.option("--to", "destination", metavar="FILE", type=click.Path(path_type=Path), help="Write it there.")
@target_options
def report(
    *,
    target: Target,
    name: str | None,
    group: str | None,
    source: Path | None,
    output: str | None,
    destination: Path | None,
) -> None:
    """Show the result of an experiment.

    NAME is the experiment's, or that of a release of charts/experiment; without
    it, the newest one that has a result, and if it is not the newest that is
    said. The HTML form is one file that needs no network: mail it, archive it.

    Exit code: 0 if a report was shown, whatever its verdict (`autox assert`
    judges), 2 if the options or the file make no sense, 3 if there is nothing
    to show.
    """
    if source is not None and (name or group or target != Target()):
        raise ConfigurationError("--file says it all: NAME, --group and the cluster are for experiments in a cluster")
    if name and group:
        raise ConfigurationError("NAME says which experiment: --group is for the newest one of a group")
    form = output or _form_of(destination)
    if form == "html" and destination is None and sys.stdout.isatty():
        raise ConfigurationError("HTML is for a browser, not for a terminal", hint="add --to report.html")
    shown = _from_file(source) if source is not None else asyncio.run(_from_cluster(target, name, group))
    colour = destination is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = _worded(shown, form, colour=colour)
    if form == "json" and shown.notice:
        click.echo(legible(shown.notice), err=True)
    if destination is None:
        # NB: a report may hold any letter, and standard output need not be UTF-8.
        click.echo(text.encode(_encoding(form), errors="backslashreplace"), nl=False)
        return
    try:
        destination.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{destination} cannot be written: {error.strerror}") from error
    click.echo(f"the report is in {destination}", err=True)


def _form_of(destination: Path | None) -> str:
    ending = destination.suffix.lower() if destination is not None else ""
    return {".html": "html", ".htm": "html", ".json": "json"}.get(ending, "text")


def _encoding(form: str) -> str:
    return sys.stdout.encoding if form == "text" else "utf-8"


def _worded(shown: Shown, form: str, *, colour: bool) -> str:
    if form == "json":
        return json.dumps(object_from_result(shown.result), indent=2, ensure_ascii=False) + "\n"
    worded = document(shown.result, notice=shown.notice)
    if form != "html":
        return to_text(worded, colour=colour)
    # NB: loaded only where it is used: Jinja2 is a fourth of what the others wait for.
    page: str = loaded("autox.report.html").to_html(worded)
    return page


def _from_file(source: Path) -> Shown:
    try:
        with click.open_file(str(source), "rb") as file:
            text = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from error
    if len(text) > LIMIT_BYTES:
        raise ConfigurationError(f"{source} is larger than {LIMIT_BYTES} bytes")
    try:
        obj = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{source} is not JSON", hint="`autox run -o json` writes what is wanted") from error
    return Shown(result=result_from_object(obj))


async def _from_cluster(target: Target, name: str | None, group: str | None) -> Shown:
    connection = target.connection()
    async with KubeClient(connection) as kube:
        place = target.place(connection)
        if name:
            return await result_of(kube, await place_of_experiment(kube, name, namespace=place), name)
        return await newest_result(kube, place, group)
