"""pydantic's JSON Schema in the dialect of Helm: ``values.schema.json`` of each chart.

Helm checks values by it before it renders anything, and says at which value what is wrong. It says so by repeating
the schema, and of all that a schema can hold only ``const`` reads like a sentence. So where a pattern does not match,
``if`` and ``then`` demand a text that no value is: what the pattern asks for, in words. Likewise text that was given
as a number or a boolean is answered with how to give it as text. ``global``, which Helm itself puts into the values of
a subchart, is let through.
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
_TEXT = {
    "$comment": "helm --set makes numbers and booleans of what looks like one",
    "if": {"not": {"type": "string"}},
    "then": {"const": "text: in quotes, or with --set-string"},
}
_DROPPED = frozenset({"title", "default"})


def experiment_schema() -> Schema:
    """``values.schema.json`` of the chart ``experiment``."""
    return {
        "$schema": _DIALECT,
        "title": "Values of the chart experiment",
        **_values(ExperimentValues),
        "$defs": {"text": _TEXT},
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
            "then": {"properties": {"version": {"enum": ["", __version__]}}},
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
    definitions = {"text": _TEXT, "experiment": _values(ExperimentValues)}
    return {"$schema": _DIALECT, "title": "Values of the chart autox", **schema, "$defs": definitions}


def nodes_schema() -> Schema:
    """``values.schema.json`` of the chart ``nodes``."""
    return {
        "$schema": _DIALECT,
        "title": "Values of the chart nodes",
        **_values(NodesChartValues),
        "$defs": {"text": _TEXT},
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
