"""pydantic's JSON Schema in the dialect of Helm: ``values.schema.json`` of each chart.

Helm checks values by it before it renders anything, and says at which value what is wrong. It says so by repeating
the schema, and of all that a schema can hold only ``const`` reads like a sentence. So where a pattern does not match,
``if`` and ``then`` demand a text that no value is: what the pattern asks for, in words. Likewise text that was given
as a number or a boolean is answered with how to give it as text. ``global``, which Helm itself puts into the values of
a subchart, is let through.

``null`` is as good as absent wherever something need not be there, also for the rules between fields: that is how
Helm's users take things away (``--reuse-values --set groups.b=null``), and Helm keeps some of these nulls for ever.
What keys a map may have is said by ``patternProperties``: Helm tells a mistake in ``propertyNames`` at a place where
it is not.
"""

from collections.abc import Mapping
from typing import Any

from autox import __version__
from autox.api.chart import ControllerValues
from autox.api.documents import Document
from autox.api.nodeschart import NodesChartValues
from autox.api.structural import Schema, inlined
from autox.api.values import PACKAGED_CHARTS, ExperimentValues

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL: Schema = {"type": "null"}
_GIVEN: Schema = {"if": _NULL, "then": {"const": "given: null is as good as absent"}}
_NOT_ALL_NULL: Schema = {
    "if": {"minProperties": 1, "additionalProperties": _NULL},
    "then": {"const": "more than nulls, which are as good as absent"},
}
_QUOTED = {"const": "text: in quotes, or with --set-string"}
_TEXTS: Schema = {
    "text": {
        "$comment": "helm --set makes numbers and booleans of what looks like one",
        "if": {"type": "string"},
        "else": {**_GIVEN, "else": _QUOTED},
    },
    "textOrNull": {"if": {"type": ["string", "null"]}, "else": _QUOTED},
}
_DROPPED = frozenset({"title", "default"})


def experiment_schema() -> Schema:
    """``values.schema.json`` of the chart ``experiment``."""
    return {
        "$schema": _DIALECT,
        "title": "Values of the chart experiment",
        **_finished(_values(ExperimentValues)),
        "$defs": _TEXTS,
    }


def controller_schema() -> Schema:
    """``values.schema.json`` of the chart ``autox``; the values of specs with a packaged chart are checked too."""
    schema = _values(ControllerValues)
    spec = schema["properties"]["groups"]["additionalProperties"]["properties"]["specs"]["additionalProperties"]
    packaged = {"not": {"required": ["repo"]}}
    own, _ = PACKAGED_CHARTS
    spec["allOf"] = [
        {"if": packaged, "then": {"properties": {"name": {"enum": list(PACKAGED_CHARTS)}}}},
        {
            "if": {**packaged, "properties": {"name": {"const": own}}, "required": ["name"]},
            "then": {"properties": {"version": {"enum": ["", __version__, None]}}},
        },
        {
            "$comment": "what valuesFrom adds is not known here",
            "if": {
                "allOf": [packaged, {"not": {"required": ["valuesFrom"]}}],
                "properties": {"name": {"enum": list(PACKAGED_CHARTS)}},
            },
            "then": {"properties": {"values": {"$ref": "#/$defs/experiment"}}, "required": ["values"]},
        },
    ]
    definitions = {**_TEXTS, "experiment": _finished(_values(ExperimentValues))}
    return {"$schema": _DIALECT, "title": "Values of the chart autox", **_finished(schema), "$defs": definitions}


def nodes_schema() -> Schema:
    """``values.schema.json`` of the chart ``nodes``."""
    return {
        "$schema": _DIALECT,
        "title": "Values of the chart nodes",
        **_finished(_values(NodesChartValues)),
        "$defs": _TEXTS,
    }


def _values(model: type[Document]) -> Schema:
    schema: Schema = _helm(inlined(model.model_json_schema(by_alias=True)))
    schema["properties"]["global"] = {"type": "object"}
    return schema


def _helm(part: Any) -> Any:
    if isinstance(part, list):
        return [_helm(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    clean: Schema = {}
    for key, value in part.items():
        if key == "properties":
            clean[key] = {name: _helm(each) for name, each in value.items()}
        elif key not in _DROPPED and not key.startswith("x-kubernetes-"):
            clean[key] = _helm(value)
    if clean.get("type") == "string" and "enum" not in clean:
        del clean["type"]
        clean["$ref"] = "#/$defs/text"
    if "$comment" in clean and "pattern" in clean:
        clean |= {"if": {"not": {"pattern": clean.pop("pattern")}}, "then": {"const": clean.pop("$comment")}}
    return clean


def _finished(part: Any) -> Any:
    """The same, with null for absent, and with the names of a map's keys in ``patternProperties``."""
    if isinstance(part, list):
        return [_finished(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    clean = {key: value if key == "properties" else _finished(value) for key, value in part.items()}
    declared = {name: _finished(each) for name, each in part.get("properties", {}).items()}
    required = part.get("required", ())
    if "object" in part.get("type", ()):
        declared = {name: each if name in required else _or_null(each) for name, each in declared.items()}
    else:
        # A rule between fields: what it asks for is given only if it is not null.
        declared |= {name: {"allOf": [_GIVEN, declared.get(name, {})]} for name in required}
    if declared:
        clean["properties"] = declared
    if isinstance(clean.get("additionalProperties"), dict):
        clean |= _keyed(_or_null(clean["additionalProperties"]), clean.pop("propertyNames", None))
    if "minProperties" in clean:
        clean["allOf"] = [*clean.get("allOf", ()), _NOT_ALL_NULL]
    return clean


def _keyed(each: Schema, names: Schema | None) -> Schema:
    """Of a map: what its entries must be, under names of which a pattern is asked."""
    match names:
        case {"if": {"not": {"pattern": pattern}}, "then": wrong}:
            return {"patternProperties": {pattern: each}, "additionalProperties": {"if": {"not": _NULL}, "then": wrong}}
        case {"minLength": 1}:
            empty = {"const": "under a key that is not empty"}
            return {"patternProperties": {".": each}, "additionalProperties": {"if": {"not": _NULL}, "then": empty}}
    return {"additionalProperties": each}


def _or_null(schema: Schema) -> Schema:
    """The same, or null. Whatever else a schema says of texts, numbers, lists and maps, null meets already."""
    clean = dict(schema)
    kind = clean.get("type")
    if kind is not None:
        clean["type"] = [*(kind if isinstance(kind, list) else [kind]), "null"]
    if "enum" in clean:
        clean["enum"] = [*clean["enum"], None]
    if clean.get("$ref") == "#/$defs/text":
        clean["$ref"] = "#/$defs/textOrNull"
    if "oneOf" in clean:
        clean["oneOf"] = [*({"type": "object", **each} for each in clean["oneOf"]), _NULL]
    return clean
