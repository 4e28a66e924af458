"""Task ``wait``: let some time pass, such as the warm-up of caches, before or between loads."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from autox.api.documents import Document
from autox.api.tasks.kind import Kind, as_given
from autox.model.tasks import TaskInputs

MOST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitInputs(TaskInputs):
    """Task ``wait``.

    Attributes:
        seconds: how long.
    """

    seconds: int


class WaitSection(Document):
    """Let some time pass before the next task."""

    seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS, description="How long; at most a day.")]

    def value(self) -> WaitInputs:
        """What the task is given."""
        return WaitInputs(seconds=self.seconds)


KIND = Kind(
    name="wait",
    section=WaitSection,
    chart_section=WaitSection,
    shows={"seconds": as_given},
    module="autox.tasks.wait",
)
