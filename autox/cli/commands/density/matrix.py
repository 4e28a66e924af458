"""``autox density matrix``: load tests of control planes that differ in what is declared, made in turn and compared."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
import uvloop

from autox.api.tasks.density.matrix import load_matrix
from autox.api.tasks.density.matrixresult import object_from_comparison
from autox.cli.parts.lazygroup import loaded
from autox.cli.parts.output import output_option
from autox.cli.parts.progress import TerminalProgress
from autox.cli.parts.stopping import stop_on_signals
from autox.cli.parts.tables import table
from autox.cli.parts.trialprogress import TrialProgress
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool
from autox.cluster.files import write_private
from autox.cluster.programs import chosen
from autox.core.statistics.comparing import compare, trials_needed
from autox.core.statistics.contrasts import observation, pairs_in_a_block, questions, slots
from autox.model.comparison import Comparison
from autox.model.matrix import Matrix, Trial
from autox.report.compared import compared
from autox.report.comparedtext import to_text
from autox.report.quantities import duration
from autox.tasks.density.dryrun import forecast
from autox.tasks.density.matrix.attempting import attempt
from autox.tasks.density.matrix.bench import Programs, bench_of
from autox.tasks.density.matrix.keeping import Kept
from autox.tasks.density.matrix.running import Runner

PAGE = "report.html"
_TOOLS = (Tool.ETCD, Tool.KUBE_APISERVER, Tool.KUBE_CONTROLLER_MANAGER, Tool.KUBE_SCHEDULER)


@click.command()
@click.option("-f", "--file", "path", type=click.Path(path_type=Path), required=True, help="The matrix document.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the trials and the page are kept, and what a run that was ended goes on with.  [default: NAME.trials]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be tried and how long that takes, and touch nothing.")
@output_option
def matrix(path: Path, keep: Path | None, *, dry_run: bool, output: str) -> None:
    """Compare variants of a control plane, and of the load on it.

    Each trial is a load test on a local control plane that is brought up for it.
    The trials of all variants are made in turn, in blocks; then it is said what
    differs, what does not, and what too few trials tell nothing about. A page
    with the curves is written into DIR as report.html.

    Run it again to go on where it was ended, or with more trials.

    Exit code: 0 if all trials were made, whatever differs; 2 if the document
    makes no sense, 3 on errors and where trials are missing.
    """
    asked = load_matrix(path)
    if dry_run:
        _tell(asked, output)
        return
    directory = keep or Path(f"{path.stem}.trials")
    trials, why = _run(asked, directory)
    comparison = Comparison(
        title=path.name,
        matrix=asked,
        trials=trials,
        findings=compare(questions(asked, [observation(each) for each in trials]), seed=asked.seed),
        unfinished=why,
    )
    document = compared(comparison)
    # NB: loaded only where it is used: Jinja2 is a fourth of what a short command waits for.
    page = loaded("autox.report.comparedhtml").to_html(document, comparison)
    write_private(directory / PAGE, page.encode())
    if output == "json":
        click.echo(json.dumps(object_from_comparison(comparison), indent=2))
    else:
        click.echo(to_text(document).encode(sys.stdout.encoding, errors="backslashreplace"), nl=False)
    click.echo(f"the page is {directory / PAGE}", err=True)
    sys.exit(3 if why else 0)


def _run(asked: Matrix, directory: Path) -> tuple[tuple[Trial, ...], str]:
    progress = TerminalProgress(sys.stderr)
    programs = {each: _programs(each, progress) for each in {variant.binaries for variant in asked.variants}}
    versions = {str(each or ""): found.versions for each, found in programs.items()}
    stop = asyncio.Event()
    bench = bench_of(directory, asked.digest, programs, os.environ)
    telling = TrialProgress(progress)
    runner = Runner(
        matrix=asked,
        kept=Kept(directory, asked, versions),
        attempt=lambda slot: attempt(slot, bench, say=telling.says, stop=stop),
        telling=telling,
    )

    async def run() -> tuple[tuple[Trial, ...], str]:
        stop_on_signals(stop)
        return await runner.run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        return loop.run(run())


def _programs(directory: Path | None, progress: TerminalProgress) -> Programs:
    found = provide(
        _TOOLS, settings=BinarySettings.from_environment(os.environ, directory=directory), progress=progress
    )
    return Programs(
        paths={tool.value: binary.path for tool, binary in found.items()},
        versions={tool.value: binary.version for tool, binary in found.items()},
        chosen=chosen(found),
    )


def _tell(asked: Matrix, output: str) -> None:
    loads = [forecast(each.inputs) for each in asked.variants]
    total = asked.trials * len(asked.variants)
    least = asked.trials * sum(each.seconds for each in asked.variants)
    needed = trials_needed(pairs_in_a_block(asked), len(asked.metrics))
    if output == "json":
        told = {
            "digest": asked.digest,
            "variants": [
                {"name": each.name, "settings": list(each.settings), "seconds": each.seconds, "load": asdict(load)}
                for each, load in zip(asked.variants, loads, strict=True)
            ],
            "order": [each.name for each in slots(asked)],
            "trials": total,
            "trialsNeeded": needed,
            "seconds": least,
        }
        click.echo(json.dumps(told, indent=2))
        return
    rows = [
        (each.name, f"{load.pods:,}", f"{load.nodes:,}", load.digest[:12], duration(each.seconds))
        for each, load in zip(asked.variants, loads, strict=True)
    ]
    click.echo(table(("VARIANT", "PODS", "NODES", "DIGEST", "A TRIAL"), rows))
    click.echo(
        f"\n{total} trials, {asked.trials} of each variant: {duration(least)} at the least,"
        f" of {duration(asked.within)} that are given"
    )
    if needed > asked.trials:
        click.echo(f"too few to tell of every comparison: {needed} of each variant can, or fewer metrics")
