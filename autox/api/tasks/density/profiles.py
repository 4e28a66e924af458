"""``density.profiles``: when the components of the control plane under test are profiled, and for how long."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from autox.api.documents import Document
from autox.api.fields import Duration
from autox.core.formats.notation import parse_duration
from autox.model.profiling import MOST_SECONDS, ProfileMoment, Profiling


class ProfilesSection(Document):
    """Profiles of CPU and memory of the API server and, of a local cluster, of the others."""

    at: Annotated[
        tuple[ProfileMoment, ...],
        Field(
            min_length=1,
            max_length=len(ProfileMoment),
            description="In the middle of the load, or at its end: once all pods run, or the time is up.",
        ),
    ] = (ProfileMoment.LOAD,)
    cpu: Annotated[
        Duration,
        Field(description=f"How long CPU is looked at each time, in whole seconds, at most {MOST_SECONDS}s."),
    ] = "5s"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.at)) < len(self.at):
            raise ValueError("profiles: at names a moment twice")
        seconds = parse_duration(self.cpu)
        if not (seconds == int(seconds) and 1 <= seconds <= MOST_SECONDS):
            raise ValueError(f"profiles: cpu is {self.cpu}, and must be whole seconds, 1s to {MOST_SECONDS}s")
        return self

    def value(self) -> Profiling:
        """The same in base units: ``cpu`` in seconds."""
        return Profiling(at=self.at, cpu=int(parse_duration(self.cpu)))
