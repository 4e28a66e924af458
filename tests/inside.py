"""``autox`` within this process: a tenth of the time that a process of its own takes, most of which is importing.

For tests of what a command says. Those of how it starts, of signals and of terminals run a process.
"""

from collections.abc import Mapping

from click.testing import CliRunner

from autox.cli.main import main
from tests.clusters import Done


def autox(*argv: str, environ: Mapping[str, str]) -> Done:
    """Run ``autox ARGV…`` with these variables beside those that are there; what it does not handle is raised."""
    done = CliRunner().invoke(main, argv, env={"COLUMNS": "80", **environ})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(code=done.exit_code, out=done.stdout, err=done.stderr)
