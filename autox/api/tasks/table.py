"""All tasks, in the order in which charts name them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from autox.api.tasks import assess, measuring

KINDS = {kind.name: kind for kind in (*measuring.KINDS, assess.KIND)}
"""By name."""

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(KINDS)]


def targets_of(values: Mapping[str, Any], *, namespace: str) -> tuple[str, ...]:
    """What the chart ``experiment`` loads with these values: ``service/shop/web``, ``example.com:443``, ``cluster/b``.

    Args:
        values: complete and checked.
        namespace: where the experiment runs.
    """
    tasks = values.get("tasks")
    listed = tasks if isinstance(tasks, list) else []
    given = {name: values.get(name) for name in KINDS if name in listed}
    return tuple(
        target
        for name, inputs in given.items()
        for target in KINDS[name].targets(inputs if isinstance(inputs, Mapping) else {}, namespace)
    )
