"""``autox density plan``: what the load tests of an experiment document would do, told without a cluster."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from autox.api.experimentdocument import load_experiment
from autox.cli.parts.output import output_option
from autox.cli.parts.tables import table
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.tasks.density.dryrun import Forecast, forecast


@click.command()
@click.option("-f", "--file", "path", type=click.Path(path_type=Path), required=True, help="The experiment document.")
@output_option
def plan(path: Path, output: str) -> None:
    """Say what the density load tests of a document would do, and touch nothing.

    That is: objects by kind, their bytes and digest, the writes to expect at the
    least, and when the last object is due. The digest is in the result as well.
    Of a search for a failure point, that is its lowest and its highest load.
    """
    inputs = [spec.inputs for spec in load_experiment(path) if isinstance(spec.inputs, DensityInputs)]
    if not inputs:
        raise ConfigurationError(f"{path} has no task density")
    forecasts = [forecast(load) for each in inputs for load in each.extremes]
    if output == "json":
        click.echo(json.dumps([asdict(each) for each in forecasts], indent=2))
    else:
        click.echo("\n\n".join(map(_told_of, forecasts)))


def _told_of(found: Forecast) -> str:
    writes = found.writes
    more = f", and the time that {found.answered:,} objects take as fast as they are answered" if found.answered else ""
    rows = [
        *((kind, f"{count:,}") for kind, count in found.objects.items()),
        ("pods of them", f"{found.pods:,}"),
        ("namespaces", f"{found.namespaces:,}"),
        ("virtual nodes", f"{found.nodes:,}"),
        ("bytes sent", f"{found.size:,}"),
        ("bytes in etcd", f"{found.stored:,}, by an estimate"),
        ("writes", f"{writes.total:,} at the least"),
        ("  creations", f"{writes.creations:,}"),
        ("  bindings", f"{writes.bindings:,}"),
        ("  updates", f"{writes.updates:,}"),
        ("  deletions", f"{writes.deletions:,}"),
        ("last one due", f"after {found.seconds:.4g} s{more}"),
        ("digest", found.digest),
    ]
    return table(("WHAT", "HOW MUCH"), rows)
