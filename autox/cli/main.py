"""The command ``autox``: its groups, loaded only when they are used, and how an error reaches the user."""

import sys
from typing import Any

import click

from autox import __version__
from autox.cli.parts.lazygroup import LazyGroup
from autox.cli.parts.output import exit_code, explain
from autox.model.errors import AutoxError

COMMANDS = {
    "assert": ("autox.cli.commands.asserting:assert_", "Check verdicts: exit 0 if they are as wanted."),
    "cluster": ("autox.cli.commands.cluster:cluster", "Run a real Kubernetes control plane on this machine."),
    "controller": (
        "autox.cli.commands.controller:controller",
        "Watch triggers and launch experiments (what the chart runs).",
    ),
    "density": (
        "autox.cli.commands.density:density",
        "Prepare and compare load tests of control planes, and clean up after them.",
    ),
    "history": ("autox.cli.commands.history:history", "List experiments and their verdicts."),
    "nodes": ("autox.cli.commands.nodes:nodes", "Run virtual nodes."),
    "retest": ("autox.cli.commands.retest:retest", "Test the version that is deployed now once more."),
    "report": ("autox.cli.commands.report:report", "Show the result of an experiment."),
    "retire": (
        "autox.cli.commands.retire:retire",
        "End what an installation runs (what its uninstallation does first).",
    ),
    "run": ("autox.cli.commands.run:run", "Run the tasks of an experiment, here and now."),
    "why": ("autox.cli.commands.why:why", "Explain what autox did for an object, and why."),
}
"""Each command's place and help."""


class Autox(LazyGroup):
    """All commands; whatever goes wrong in one of them is told here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that a user can cause is told in plain words, without a traceback."""
        try:
            return super().invoke(ctx)
        except AutoxError as error:
            click.echo(explain(error), err=True)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            click.echo("\ninterrupted", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # NB: `autox … | head`: the reader has gone; Python would complain again when it flushes stdout at exit.
            sys.stdout = None
            ctx.exit(0)


@click.group(
    cls=Autox, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, "-V", "--version", prog_name="autox")
def main() -> None:
    """Every new version gets tested, every verdict is kept."""
