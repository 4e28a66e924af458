"""Which function carries out which task; its module is imported when it is needed.

A run that only sends HTTP requests loads nothing of the virtual nodes.
"""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from autox.api.tasks.table import KINDS
from autox.tasks.context import Findings, TaskContext

TaskFunction = Callable[[Any, TaskContext], Awaitable[Findings]]
"""A task: its own inputs and the context in, findings out; raises ``AutoxError`` when it cannot do its work."""


def task_function(name: str) -> TaskFunction:
    """The function of a task that ``autox.api.tasks`` knows."""
    function: TaskFunction = importlib.import_module(KINDS[name].module).run
    return function
