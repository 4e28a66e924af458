"""The section ``crashLoopBackOff``, of an agent's file and of a file of stages."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from autox.api.documents import Document
from autox.model import stages as values


class CrashLoopBackOffSection(Document):
    """How patient the node is with containers that keep ending."""

    initial_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    limit_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0

    @model_validator(mode="after")
    def _limit_is_not_less(self) -> Self:
        if self.limit_seconds < self.initial_seconds:
            raise ValueError("limitSeconds is less than initialSeconds")
        return self

    def value(self) -> values.CrashLoopBackOff:
        """The patience as a value: seconds."""
        return values.CrashLoopBackOff(initial_seconds=self.initial_seconds, limit_seconds=self.limit_seconds)
