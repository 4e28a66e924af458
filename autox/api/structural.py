"""pydantic's JSON Schema in the dialect of custom resources: structural OpenAPI v3.

A CRD knows no ``$ref``, no ``anyOf`` with null, no ``const``, no ``title`` worth keeping, and unknown keys are pruned
rather than forbidden. What JSON Schema says between fields (``if``, ``anyOf``, ``oneOf``) is dropped: CEL rules,
``x-kubernetes-validations``, stand in its place.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_KEPT = frozenset(
    {"type", "format", "description", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "required"}
    | {"minItems", "maxItems", "minProperties", "maxProperties"}
)


def inlined(schema: Mapping[str, Any]) -> Schema:
    """A copy without ``$defs`` and ``$ref``; what stands beside a ``$ref`` wins over what it leads to."""
    definitions = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(each) for each in part]
        if not isinstance(part, dict):
            return part
        beside = {key: inline(value) for key, value in part.items() if key not in ("$ref", "$defs")}
        if "$ref" not in part:
            return beside
        return {**inline(definitions[part["$ref"].removeprefix("#/$defs/")]), **beside}

    found: Schema = _without_null(inline(dict(schema)))
    return found


def _without_null(part: Any) -> Any:
    """Optional fields are left out, not null: ``anyOf: [X, null]`` is X, and a default of null is none."""
    if isinstance(part, list):
        return [_without_null(each) for each in part]
    if not isinstance(part, dict):
        return part
    clean = {key: _without_null(value) for key, value in part.items() if not (key == "default" and value is None)}
    options = clean.get("anyOf", ())
    if {"type": "null"} in options:
        [option] = [each for each in options if each != {"type": "null"}]
        del clean["anyOf"]
        clean = {**option, **clean}
    return clean


def structural(schema: Mapping[str, Any]) -> Schema:
    """The same as a structural schema, of what pydantic generates for a model of a whole object."""
    whole = _structural(inlined(schema))
    # NB: a default in the status would look like something that a writer of the status had said.
    whole["properties"]["status"] = _without_defaults(whole["properties"]["status"])
    return whole


def _without_defaults(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_defaults(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_defaults(value) for key, value in part.items() if key != "default"}


def _structural(schema: Mapping[str, Any]) -> Schema:
    kept = {key: value for key, value in schema.items() if key in _KEPT or key.startswith("x-kubernetes-")}
    if isinstance(kept.get("type"), list):
        del kept["type"]  # one type or any: what each of several may be is said by what counts for it alone
    if schema.get("default"):  # an empty one says nothing
        kept["default"] = schema["default"]
    for strict, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if strict in schema:
            kept |= {bound: schema[strict], strict: True}
    if "properties" in schema:
        kept["properties"] = {name: _structural(each) for name, each in schema["properties"].items()}
    elif isinstance(more := schema.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = _structural(more)
    if "items" in schema:
        kept["items"] = _structural(schema["items"])
    return kept
