"""A group of commands whose modules are imported when they are called: ``--help`` stays fast, and so does each of them.

What a command imports is most of what a short one costs, so no command pays for its neighbours. The price is a table
that repeats the first sentence of each command's help; a test compares the two.
"""

import gc
import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import click

from autox.model.errors import UnsupportedError


class LazyGroup(click.Group):
    """The commands of a table."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """Take what ``click.Group`` takes, and the table.

        Args:
            args: as click has them.
            table: each command's place, ``MODULE:NAME``, and the first sentence of its help.
            options: as click has them.
        """
        super().__init__(*args, **options)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        del ctx
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, its module imported now."""
        if cmd_name not in self.table:
            return None
        place, _ = self.table[cmd_name]
        module, _, name = place.partition(":")
        try:
            found = loaded(module)
        except ModuleNotFoundError as error:
            if (error.name or "autox").partition(".")[0] == "autox":
                raise
            # NB: as in autox's image, which leaves out what only `autox cluster` needs.
            raise UnsupportedError(
                f"{_told(ctx, cmd_name)} needs the library {error.name}, which is not installed here",
                hint="autox's image brings up no clusters: install autox where the cluster should run",
            ) from error
        command: click.Command = getattr(found, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``, from the table, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in sorted(self.table.items())])


def loaded(name: str) -> ModuleType:
    """The module of that name.

    What is imported is there for as long as the program runs. To look through it for garbage while it is made, with
    each full collection, and once more at the end is a fifth of what a short command costs; so it never is.
    """
    if name in sys.modules:
        return sys.modules[name]
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if is_collecting:
            gc.enable()


def _told(ctx: click.Context, command: str) -> str:
    """The command as a user types it, whatever the program was started as."""
    names = [command]
    while ctx.parent is not None:
        names.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(["autox", *names])
