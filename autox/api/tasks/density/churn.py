"""``density.churn``: what is deleted and created again once all pods run."""

from typing import Annotated

from pydantic import AfterValidator, Field

from autox.api.documents import Document
from autox.api.fields import Duration, PositiveNumber, Shape
from autox.api.tasks.density.limits import MOST_CYCLES
from autox.core.notation import parse_duration
from autox.model.workload import Churn

_SHARE = Shape(pattern=r"(100|[0-9]{1,2}(\.[0-9]{1,6})?)%", most=12, what="a share such as 10%, at most 100%")


def _some(text: str) -> str:
    if not float(text.removesuffix("%")) > 0:
        raise ValueError("must be more than 0%")
    return text


class ChurnSection(Document):
    """Deployments that are deleted and, when their pods are gone, created again."""

    share: Annotated[
        str, _SHARE, AfterValidator(_some), Field(description="Of the Deployments, in each cycle; at least one.")
    ]
    cycles: Annotated[int, Field(ge=1, le=MOST_CYCLES, description="How often; each takes those that come next.")] = 1
    pause: Annotated[Duration | None, Field(description="Between two cycles.")] = None
    qps: Annotated[PositiveNumber, Field(description="Deployments deleted, and created, a second.")] = 10.0

    def value(self) -> Churn:
        """The same in base units: ``share`` of 1, ``pause`` in seconds."""
        return Churn(
            share=float(self.share.removesuffix("%")) / 100,
            cycles=self.cycles,
            pause=parse_duration(self.pause) if self.pause else 0.0,
            qps=self.qps,
        )
