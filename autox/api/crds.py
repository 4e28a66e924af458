"""The CustomResourceDefinitions, made from the models: what the API server checks and what ``kubectl get`` shows."""

from typing import Any

from autox.api.documents import Document
from autox.api.experiments import ExperimentObject
from autox.api.groups import LONGEST_GROUP_NAME, GroupObject
from autox.api.structural import structural
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, Resource

Object = dict[str, Any]
Column = tuple[str, str, str, str]
"""Name, type, JSONPath, and what it means."""

_GROUP_COLUMNS: tuple[Column, ...] = (
    ("Trigger", "string", ".spec.trigger.resource", "What kind of object is watched."),
    ("Object", "string", ".spec.trigger.name", "Which object is watched."),
    ("Version", "string", ".status.trigger.version", "Its version as last seen."),
    ("Ready", "string", ".status.ready", "Whether the group works, or what it waits for."),
    ("Reason", "string", ".status.conditions[?(@.type=='Ready')].reason", "Why it does or does not."),
    ("Age", "date", ".metadata.creationTimestamp", "How old the group is."),
)
_EXPERIMENT_COLUMNS: tuple[Column, ...] = (
    ("Group", "string", ".spec.group.name", "The group that asked for it."),
    ("Spec", "string", ".spec.spec", "The experiment spec in the group."),
    ("Version", "string", ".spec.version", "The version under test."),
    ("Phase", "string", ".status.phase", "Where it is in its life."),
    ("Verdict", "string", ".status.verdict", "What it found out."),
    ("Age", "date", ".metadata.creationTimestamp", "How old the record is."),
)


def crds() -> list[Object]:
    """Both definitions, as objects to apply."""
    named = {
        "rule": f"self.metadata.name.size() <= {LONGEST_GROUP_NAME}",
        "message": f"the name of an ExperimentGroup must not be longer than {LONGEST_GROUP_NAME} characters",
    }
    return [
        _definition(EXPERIMENT_GROUPS, "xg", GroupObject, _GROUP_COLUMNS, [named]),
        _definition(EXPERIMENTS, "xp", ExperimentObject, _EXPERIMENT_COLUMNS, []),
    ]


def _definition(
    resource: Resource, short: str, model: type[Document], columns: tuple[Column, ...], rules: list[Object]
) -> Object:
    schema = structural(model.model_json_schema(by_alias=True))
    schema["description"] = f"{resource.kind} of autox."
    # The API server knows these three itself, but `kubectl explain` shows what stands here.
    schema["properties"] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        **schema["properties"],
    }
    if rules:
        schema["x-kubernetes-validations"] = rules
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [short],
                "categories": ["autox"],
            },
            "versions": [
                {
                    "name": resource.version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": path, "description": meaning}
                        for name, kind, path, meaning in columns
                    ],
                }
            ],
        },
    }
