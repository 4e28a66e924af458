"""Every place of a chart's values where a user can write a text, found in the schema: a new place is there by itself.

``filled`` writes one name into all of them at once. Where the schema admits no such text (a URL, a duration), the
place gets something else that it admits, with the name in it if possible. Another name can be written into just the
places that admit the first, so that what is made of both can be compared.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autox.api.documents import Document
from autox.api.structural import Schema, inlined

Path = tuple[str, ...]
EACH = "*"
"""In a path: the name of a map's entry, or an item of a list."""

_TEXTS = (
    "{}",
    "http://{}.default/",
    "https://{}",
    "a",
    "1s",
    "@hourly",
    "http/latency-p99",
    "https://a",
    "ab",
    "10%",
    "4KiB",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to give a chart its values, of several that exclude each other.

    Attributes:
        without: places that are left out.
        fixed: what stands at places that other values depend on.
    """

    without: frozenset[Path] = frozenset()
    fixed: Mapping[Path, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What is written, into the places that admit ``like``."""

    text: str
    like: str


def schema_of(model: type[Document]) -> Schema:
    """What there is to be filled."""
    return inlined(model.model_json_schema(by_alias=True))


def places(schema: Schema, at: Path = ()) -> Iterator[Path]:
    """Every place below which there are no others."""
    if "properties" in schema:
        for name, each in schema["properties"].items():
            yield from places(each, (*at, name))
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from places(schema["additionalProperties"], (*at, EACH))
    elif "items" in schema:
        yield from places(schema["items"], (*at, EACH))
    else:
        yield at


def filled(schema: Schema, name: Name, variant: Variant, at: Path = ()) -> Any:
    """Values with the name in every place that can hold it."""
    if at in variant.fixed:
        fixed = variant.fixed[at]
        return fixed(name) if callable(fixed) else fixed
    found: Any = schema.get("default", max(1, schema.get("minimum", 1)))
    match schema:
        case {"properties": every}:
            given = {key: each for key, each in every.items() if (*at, key) not in variant.without}
            found = {key: filled(each, name, variant, (*at, key)) for key, each in given.items()}
        case {"additionalProperties": {} as more}:
            found = {_text(schema.get("propertyNames", {}), name): filled(more, name, variant, (*at, EACH))}
        case {"items": each}:
            found = [filled(each, name, variant, (*at, EACH))]
        case {"enum": choice}:
            found = choice[0]
        case {"type": "string"}:
            found = _text(schema, name)
        case {"type": "object"}:
            found = {"anything": name.text}
    return found


def _text(schema: Schema, name: Name) -> str:
    return next(each.format(name.text) for each in _TEXTS if _admits(schema, each.format(name.like)))


def _admits(schema: Schema, text: str) -> bool:
    patterns = [each["pattern"] for each in (schema, *schema.get("allOf", ())) if "pattern" in each]
    fits = all(re.search(each, text, re.ASCII) for each in patterns)
    return fits and schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
