"""``autox run``: the tasks of one experiment, on this machine or in the pod that the experiment's chart made.

Without ``--experiment`` nothing is recorded and the exit code tells the verdict: 0 Pass, 1 Fail, 3 anything else.
With it the verdict goes into the record, and the exit code only tells whether it got there: 0 if it did, whatever it
is, else 3. A Job must not look failed because an SLO was not met, since then nobody could tell that apart from a run
that broke, and the controller gives runs that broke a verdict of their own. An experiment document that is not valid
is exit code 2 in both cases, and with ``--experiment`` it is a recorded verdict too.

Progress goes to standard error, the report to standard output.
"""

import asyncio
import json
import logging
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
import uvloop

from autox.api.experimentdocument import load_experiment
from autox.api.results import object_from_result
from autox.api.tasks.table import KINDS
from autox.cli.parts.output import explain, output_option
from autox.cli.parts.stopping import stop_on_signals
from autox.cli.parts.targeting import in_pod
from autox.kube.auth import from_kubeconfig, in_cluster
from autox.kube.connection import Connection
from autox.model.errors import ConfigurationError
from autox.model.result import ExperimentResult
from autox.model.tasks import TaskSpec
from autox.model.verdict import Verdict
from autox.report.document import document
from autox.report.legible import legible
from autox.report.text import to_text
from autox.tasks.loop import Ended
from autox.tasks.performing import Request, perform

_EXPERIMENT = re.compile(r"([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)/([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for.

    Attributes:
        specs: the tasks; none if the document is not valid.
        trouble: why it is not.
        experiment: namespace and name of the record; None for a run that records nothing.
        kubeconfig: the file; None for kubectl's own.
    """

    specs: tuple[TaskSpec, ...] = ()
    trouble: ConfigurationError | None = None
    experiment: tuple[str, str] | None = None
    kubeconfig: Path | None = None


@click.command()
@click.option(
    "-f",
    "--file",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The experiment: its tasks and their inputs (YAML or JSON).",
)
@click.option("--experiment", metavar="NAMESPACE/NAME", help="Record the result in this experiment of the cluster.")
@output_option
@click.option(
    "--result",
    "result_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the result (JSON) there too.",
)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The cluster that the experiment runs in.  [default: the pod's own, or kubectl's where a task needs one]",
)
def run(file: Path, experiment: str | None, output: str, result_file: Path | None, kubeconfig: Path | None) -> None:
    """Run the tasks of an experiment, here and now, and report.

    Exit code: 0 if the verdict is Pass, 1 if an SLO was not met, 2 if the
    document is not valid, 3 on errors and without data. With --experiment: 0
    whenever the verdict was recorded.
    """
    if result_file is not None and not result_file.absolute().parent.is_dir():
        raise ConfigurationError(f"{result_file} cannot be written: there is no such directory")
    level = os.environ.get("AUTOX_LOG_LEVEL", "").upper()
    logging.basicConfig(
        level=level if level in logging.getLevelNamesMapping() else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    options = Options(experiment=_names(experiment) if experiment is not None else None, kubeconfig=kubeconfig)
    try:
        options = replace(options, specs=load_experiment(file))
    except ConfigurationError as error:
        if options.experiment is None:
            raise
        options = replace(options, trouble=error)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ended = runner.run(_run(options))
    _print(ended.result, output)
    _complain(options, ended, output)
    if result_file is not None:
        _write(ended.result, result_file)
    sys.exit(_exit_code(options, ended))


async def _run(options: Options) -> Ended:
    stop = asyncio.Event()
    stop_on_signals(stop)
    request = Request(
        specs=options.specs,
        trouble=options.trouble,
        connection=_connection(options),
        experiment=options.experiment,
        environ=os.environ,
        say=_say,
    )
    return await perform(request, stop=stop)


def _connection(options: Options) -> Connection | None:
    """To the cluster that the experiment runs in; None if there is none and nothing needs it."""
    needed = options.experiment is not None or any(KINDS[spec.name].needs_cluster for spec in options.specs)
    is_pod = in_pod(os.environ)
    if options.kubeconfig is not None or (needed and not is_pod):
        return from_kubeconfig(options.kubeconfig)
    if not is_pod:
        return None
    try:
        return in_cluster(os.environ)
    except ConfigurationError:
        if needed:
            raise
        return None


def _names(experiment: str) -> tuple[str, str]:
    found = _EXPERIMENT.fullmatch(experiment)
    if found is None:
        raise ConfigurationError(f"--experiment {experiment!r} is not NAMESPACE/NAME")
    return found[1], found[2]


def _say(line: str) -> None:
    click.echo(legible(line), err=True)


def _print(result: ExperimentResult, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(object_from_result(result), indent=2))
        return
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(to_text(document(result), colour=colour), nl=False)


def _write(result: ExperimentResult, file: Path) -> None:
    try:
        file.write_text(json.dumps(object_from_result(result), indent=2) + "\n")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error


def _complain(options: Options, ended: Ended, output: str) -> None:
    if options.trouble is not None:
        click.echo(explain(options.trouble), err=True)
    if ended.unrecorded is not None:
        click.echo(f"the result could not be recorded\n{explain(ended.unrecorded)}", err=True)
        if output != "json":
            click.echo(f"so that it is not lost: {json.dumps(object_from_result(ended.result))}", err=True)


def _exit_code(options: Options, ended: Ended) -> int:
    if options.trouble is not None:
        return 2
    if ended.unrecorded is not None:
        return 3
    if options.experiment is not None:
        return 0
    return {Verdict.PASS: 0, Verdict.FAIL: 1}.get(ended.result.verdict or Verdict.ERROR, 3)
