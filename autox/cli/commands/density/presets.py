"""``autox density presets``: the loads that have names, and each as the plan that it stands for."""

import click

from autox.api.tasks.density.presets import PRESETS
from autox.cli.parts.tables import table
from autox.core.formats.yamltext import write_yaml

_NODES = 10


@click.command()
@click.argument("name", type=click.Choice(list(PRESETS)), required=False)
@click.option("--nodes", type=click.IntRange(min=1), default=_NODES, show_default=True, help="Virtual nodes.")
def presets(name: str | None, nodes: int) -> None:
    """List the loads that have names, or print one as what it stands for.

    What is printed can be written in place of the preset, and changed.
    """
    if name is None:
        click.echo(table(("NAME", "SHOWS"), [(name, each.shows) for name, each in PRESETS.items()]))
        return
    preset = PRESETS[name]
    parameters = ", ".join(f"{key}: {value:g}" for key, value in preset.parameters.items())
    click.echo(f"# {name}: {preset.shows}\n# preset: {{name: {name}, {parameters}}}")
    click.echo(write_yaml({"density": {"nodes": nodes, **preset.fragment({}, nodes=nodes)}}), nl=False)
