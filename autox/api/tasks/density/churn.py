"""``density.churn``: what is taken away and brought back once all pods run."""

from typing import Annotated

from pydantic import AfterValidator, Field

from autox.api.documents import Document
from autox.api.fields import Duration, PositiveNumber, Shape
from autox.api.tasks.density.limits import MOST_CYCLES
from autox.core.formats.notation import parse_duration
from autox.model.workload import Churn, Churned

_SHARE = Shape(pattern=r"(100|[0-9]{1,2}(\.[0-9]{1,6})?)%", most=12, what="a share such as 10%, at most 100%")


def _some(text: str) -> str:
    if not float(text.removesuffix("%")) > 0:
        raise ValueError("must be more than 0%")
    return text


class ChurnSection(Document):
    """Deployments, namespaces or nodes that go and, when their pods are gone, come again."""

    of: Annotated[
        Churned,
        Field(
            description="What goes and comes again: deployments; namespaces, with all that is in them; nodes, which are"
            " deleted and made again; or drained-nodes, which are cordoned, drained as kubectl drain does, uncordoned."
        ),
    ] = Churned.DEPLOYMENTS
    share: Annotated[
        str,
        _SHARE,
        AfterValidator(_some),
        Field(description="Of these, in each cycle; at least one. The first namespace is none of them."),
    ]
    cycles: Annotated[int, Field(ge=1, le=MOST_CYCLES, description="How often; each takes those that come next.")] = 1
    pause: Annotated[Duration | None, Field(description="Between two cycles.")] = None
    qps: Annotated[
        PositiveNumber, Field(description="How many a second; of namespaces, objects made in them again.")
    ] = 10.0

    def value(self) -> Churn:
        """The same in base units: ``share`` of 1, ``pause`` in seconds."""
        return Churn(
            of=self.of,
            share=float(self.share.removesuffix("%")) / 100,
            cycles=self.cycles,
            pause=parse_duration(self.pause) if self.pause else 0.0,
            qps=self.qps,
        )
