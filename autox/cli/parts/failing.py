"""How an error looks to a user, and which exit code it has."""

from autox.model.errors import AutoxError, ConfigurationError, DeadlineError


def explain(error: AutoxError) -> str:
    """What is wrong and what to do, on lines of their own."""
    text = f"error: {error.message}"
    return f"{text}\nhint: {error.hint}" if error.hint else text


def exit_code(error: AutoxError) -> int:
    """2 for a mistake in what the user gave, 4 for a deadline, 3 for everything else."""
    if isinstance(error, ConfigurationError):
        return 2
    return 4 if isinstance(error, DeadlineError) else 3
