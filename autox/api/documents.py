"""Reading a YAML or JSON file, or a part of an object, into a pydantic model, with errors that name the field.

Everything that a user writes comes in through here. The document is taken through JSON on purpose: pydantic's
strict mode accepts a path or a tuple from JSON, and still refuses ``"10"`` where a number belongs.

Rejected: pydantic's own error text (it repeats the input, which may hold a secret, and links to a website).
"""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from autox.core.formats.yamltext import YamlError, read_yaml
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
        # NB: a program uses a few of the models it imports, and a part of another is not built by itself at all.
        defer_build=True,
    )


DocumentT = TypeVar("DocumentT", bound=Document)


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
        content = read_yaml(text)
    except YamlError as error:
        where = f" line {error.line}" if error.line else ""
        raise ConfigurationError(f"{path}{where} is not valid YAML: {error.problem}") from error
    return _fitting(json.dumps(content), model, what=str(path))


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
