"""How every command prints alike: the option of those for people and for programs, and how an error looks to a user."""

import click

from autox.model.errors import AutoxError, ConfigurationError, DeadlineError

output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)


def explain(error: AutoxError) -> str:
    """What is wrong and what to do, on lines of their own."""
    text = f"error: {error.message}"
    return f"{text}\nhint: {error.hint}" if error.hint else text


def exit_code(error: AutoxError) -> int:
    """2 for a mistake in what the user gave, 4 for a deadline, 3 for everything else."""
    if isinstance(error, ConfigurationError):
        return 2
    return 4 if isinstance(error, DeadlineError) else 3
