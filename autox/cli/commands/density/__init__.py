"""``autox density``: what load tests of a control plane need beside the experiment that runs them."""

import click

from autox.cli.parts.lazygroup import LazyGroup

COMMANDS = {
    "credentials": (
        "autox.cli.commands.density.credentials:credentials",
        "Make the identity that load tests have on the cluster under test.",
    ),
    "matrix": (
        "autox.cli.commands.density.matrix:matrix",
        "Compare variants of a control plane by load tests in turn.",
    ),
    "plan": ("autox.cli.commands.density.plan:plan", "Say what density load tests would do."),
    "presets": ("autox.cli.commands.density.presets:presets", "List the loads that have names, or print one."),
    "sweep": ("autox.cli.commands.density.sweep:sweep", "Remove what density load tests left behind."),
}
"""Each command's place and help."""


@click.group(cls=LazyGroup, table=COMMANDS)
def density() -> None:
    """Prepare or compare load tests of control planes, or clean up after them."""
