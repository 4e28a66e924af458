"""Reading a YAML or JSON file, or a part of an object, into a pydantic model, with errors that name the field.

Everything that a user writes comes in through here. The document is taken through JSON on purpose: pydantic's
strict mode accepts a path or a tuple from JSON, and still refuses ``"10"`` where a number belongs.

Rejected: pydantic's own error text (it repeats the input, which may hold a secret, and links to a website).
"""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from autox.model.errors import ConfigurationError

_LIMIT_BYTES = 8 * 1024 * 1024
_WORDS = {"extra_forbidden": "unknown key", "missing": "is required"}


class Document(BaseModel):
    """What all our files share: camelCase keys, unknown keys refused, no silent conversion, no NaN."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


DocumentT = TypeVar("DocumentT", bound=Document)


class _Loader(yaml.SafeLoader):
    """YAML as usual, but a key given twice is an error: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  - the signature is PyYAML's
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_document(path: Path, model: type[DocumentT]) -> DocumentT:
    """Read ``path`` (YAML, of which JSON is a part) as ``model``.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or does not fit; names every wrong field.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if len(text) > _LIMIT_BYTES:
        raise ConfigurationError(f"{path} is larger than {_LIMIT_BYTES} bytes")
    try:
        content = json.dumps(parse_yaml(text, what=str(path)), default=str)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not valid YAML") from error
    return _fitting(content, model, what=str(path))


def parse_yaml(text: bytes, *, what: str) -> Any:
    """What stands in a YAML text. NB: aliases may make it larger than its text by any factor.

    Args:
        text: YAML, of which JSON is a part.
        what: begins the error.

    Raises:
        ConfigurationError: it is not YAML; the message may repeat a piece of it.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  - a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigurationError(f"{what}{where} is not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{what} is not valid YAML") from error


def checked(content: object, model: type[DocumentT], *, what: str, at: tuple[int | str, ...] = ()) -> DocumentT:
    """Take ``content``, which is JSON or as good as that, as ``model``.

    Args:
        content: what a user wrote.
        model: what it ought to be.
        what: begins the error: a file or an object.
        at: where in it the content stands; goes before each field's own name.

    Raises:
        ConfigurationError: it does not fit; names every wrong field.
    """
    try:
        text = json.dumps(content, default=str)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{what} cannot be written as JSON") from error
    return _fitting(text, model, what=what, at=at)


def _fitting(text: str, model: type[DocumentT], *, what: str, at: tuple[int | str, ...] = ()) -> DocumentT:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(f"{what}: {_explained(error, at)}") from error


def _explained(error: ValidationError, at: tuple[int | str, ...]) -> str:
    return "; ".join(
        f"{_field((*at, *found['loc']))}{_WORDS.get(found['type'], found['msg'].removeprefix('Value error, '))}"
        for found in error.errors(include_url=False, include_input=False)
    )


def _field(location: tuple[int | str, ...]) -> str:
    """``images[0].entrypoint: `` for ``("images", 0, "entrypoint")``; nothing for the whole document."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{text.lstrip('.')}: " if text else ""
