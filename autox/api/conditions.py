"""The list ``status.conditions``, as every Kubernetes object has it."""

from typing import Annotated, Literal

from pydantic import Field

from autox.api.documents import Document
from autox.api.fields import NonEmpty, Time


class Condition(Document):
    """One aspect of how the object stands (metav1.Condition)."""

    type: Annotated[NonEmpty, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    observed_generation: Annotated[int, Field(json_schema_extra={"format": "int64"})] = 0
    last_transition_time: Time
    reason: Annotated[NonEmpty, Field(max_length=1024)]
    message: Annotated[str, Field(max_length=32768)]


ConditionsField = Annotated[
    tuple[Condition, ...],
    Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]
"""One condition of each type; a manager owns those that it applies."""
