"""The command ``autox``: its groups, loaded only when they are used, and how an error reaches the user."""

import importlib
import sys
from typing import Any

import click

from autox import __version__
from autox.cli.failing import exit_code, explain
from autox.model.errors import AutoxError, UnsupportedError

COMMANDS = {
    "assert": ("autox.cli.asserting", "Check verdicts: exit 0 if they are as wanted."),
    "cluster": ("autox.cli.cluster", "Run a real Kubernetes control plane on this machine."),
    "controller": ("autox.cli.controller", "Watch triggers and launch experiments (what the chart runs)."),
    "density": ("autox.cli.density", "Clean up after density load tests."),
    "history": ("autox.cli.history", "List experiments and their verdicts."),
    "nodes": ("autox.cli.nodes", "Run virtual nodes."),
    "retest": ("autox.cli.retest", "Test the version that is deployed now once more."),
    "report": ("autox.cli.report", "Show the result of an experiment."),
    "retire": ("autox.cli.retire", "End what an installation runs (what its uninstallation does first)."),
    "run": ("autox.cli.run", "Run the tasks of an experiment, here and now."),
    "why": ("autox.cli.why", "Explain what autox did for an object, and why."),
}
"""Each command's module and help; the module's function is named as the command, ``assert`` is ``assert_``."""


class LazyGroup(click.Group):
    """Commands whose modules are imported when they are called: ``autox --help`` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, its module imported now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _ = COMMANDS[cmd_name]
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if (error.name or "autox").partition(".")[0] == "autox":
                raise
            # NB: as in autox's image, which leaves out what only `autox cluster` needs.
            raise UnsupportedError(
                f"autox {cmd_name} needs the library {error.name}, which is not installed here",
                hint="autox's image brings up no clusters: install autox where the cluster should run",
            ) from error
        command: click.Command = loaded.assert_ if cmd_name == "assert" else getattr(loaded, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``, from the table, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in sorted(COMMANDS.items())])

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, "-V", "--version", prog_name="autox")
def main() -> None:
    """Every new version gets tested, every verdict is kept."""
