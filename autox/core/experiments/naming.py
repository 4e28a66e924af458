"""What an experiment is called, and the digest by which it is told whether its chart or values have changed.

A name must be the same for the same experiment after any restart, and another one for any other experiment: it is
the lock that makes a launch happen once. People read its front, ``{group}-{spec}``; only the digest at its end
makes it unique. Iter8's ``autox-{group}-{spec}`` is the same for group ``a-b`` with spec ``c`` and for group ``a``
with spec ``b-c``.
"""

import hashlib
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from autox.core.experiments.merging import DEPTH_LIMIT
from autox.model.errors import ConfigurationError
from autox.model.experiments import Identity
from autox.model.groups import ChartRef

NAME_LIMIT = 52  # characters: a CronJob's Jobs append 11, and a Job's name is a label's value, at most 63
DIGITS = 10


def experiment_name(identity: Identity) -> str:
    """The name of the record, the release, and the Job or CronJob: a DNS label of at most 52 characters."""
    unique = _sha256(asdict(identity))[:DIGITS]
    group, spec = _slug(identity.group), _slug(identity.spec)
    room = NAME_LIMIT - DIGITS - len("--")
    # NB: the shorter one keeps its whole name, and the longer one takes all the room that is left.
    half = room // 2
    group = group[: max(half, room - len(spec))]
    spec = spec[: room - len(group)]
    return "-".join(part for part in (group.strip("-"), spec.strip("-"), unique) if part)


def digest(chart: ChartRef, values: Mapping[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of a chart reference and its values.

    The order of keys does not matter, and ``1`` is ``1.0``, for Helm and the API server do not tell these apart
    either. Strings are never read as numbers: ``"1.10"`` is not ``"1.1"``, and ``"1"`` is not ``1``.

    Raises:
        ConfigurationError: the values hold something that JSON cannot say (NaN, a date, a key that is no string),
            or are nested more than 64 deep; it names the place, never the value, which may be a secret.
    """
    return _sha256({"chart": asdict(chart), "values": _canonical(values, "values", DEPTH_LIMIT)})


def _sha256(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _canonical(value: Any, path: str, depth: int) -> Any:
    if depth < 0:
        raise ConfigurationError(f"{path} is nested more than {DEPTH_LIMIT} deep")
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= sys.float_info.max:
            return value
        case float() if math.isfinite(value):
            return int(value) if value.is_integer() else value
        case Mapping():
            for key in value:
                if not isinstance(key, str):
                    raise ConfigurationError(
                        f"{path} has the key {key!r}, which is not a string", hint="put the key in quotes"
                    )
            return {key: _canonical(each, f"{path}.{key}", depth - 1) for key, each in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [_canonical(each, f"{path}[{index}]", depth - 1) for index, each in enumerate(value)]
        case _:
            raise ConfigurationError(
                f"{path} is of type {type(value).__name__} and not a value that JSON has", hint="put it in quotes"
            )
