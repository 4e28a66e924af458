"""How a command prints: the option that those for people and for programs share."""

import click

output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
