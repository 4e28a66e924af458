"""Chart values from several sources made one, by Helm's own rule for several ``-f`` files.

The rule: maps merge key by key, whatever else comes later replaces what was there. ``null`` replaces too and stays,
because Helm reads a ``null`` among the user's values as "take the chart's default away". Our own charts take it for
absent: ``without_nulls`` gives what they are told in effect.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from autox.model.errors import ConfigurationError

DEPTH_LIMIT = 64


def merge_values(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge layers, the later over the earlier.

    Args:
        layers: each the values of one source; none of them is changed, and none shares a map with the answer.

    Raises:
        ConfigurationError: maps stand more than 64 deep in each other.
    """
    return _merge(layers, DEPTH_LIMIT)


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the keys, in whatever map in a map, that are null."""
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }


def _merge(layers: Iterable[Mapping[str, Any]], depth: int) -> dict[str, Any]:
    if depth < 0:
        raise ConfigurationError(f"the values are nested more than {DEPTH_LIMIT} deep")
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping):
                below = merged.get(key)
                merged[key] = _merge([below, value] if isinstance(below, Mapping) else [value], depth - 1)
            else:
                merged[key] = value
    return merged
