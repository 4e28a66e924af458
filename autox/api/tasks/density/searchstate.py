"""A search for failure points as it is kept between its trials, for whoever goes on with it when it was killed."""

import json
from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field

from autox.api.documents import Document, checked
from autox.core.loads.failurepoint import Trial
from autox.model.errors import ConfigurationError


class TrialDocument(Document):
    """One trial that was made."""

    load: Annotated[float, Field(gt=0)]
    held: bool
    hard: str
    spoilt: str
    told: str
    seconds: Annotated[float, Field(ge=0)]
    objects: Annotated[int, Field(ge=0)]


class SearchState(Document):
    """All trials so far."""

    model_config = ConfigDict(extra="ignore")

    inputs: str
    """Digest of all that the trials depend on: those of another search tell nothing about this one."""

    written: AwareDatetime
    namespace: str = ""
    """Of the trial that is under way; empty between two."""

    trials: tuple[TrialDocument, ...] = ()

    @classmethod
    def of(cls, trials: tuple[Trial, ...], *, inputs: str, written: datetime, namespace: str) -> Self:
        """The state of a search.

        Args:
            trials: that were made.
            inputs: digest of what they depend on.
            written: now.
            namespace: of the trial that is under way; empty between two.
        """
        documents = tuple(
            TrialDocument(
                load=each.load,
                held=each.held,
                hard=each.hard,
                spoilt=each.spoilt,
                told=each.told,
                seconds=each.seconds,
                objects=each.objects,
            )
            for each in trials
        )
        return cls(inputs=inputs, written=written, namespace=namespace, trials=documents)

    @classmethod
    def read(cls, text: str) -> Self:
        """The state that a text says.

        Raises:
            ConfigurationError: it says none.
        """
        try:
            return checked(json.loads(text), cls, what="the kept state of a search")
        except (ValueError, RecursionError) as error:
            raise ConfigurationError("the kept state of a search is not JSON") from error

    @property
    def text(self) -> str:
        """As JSON."""
        return self.model_dump_json(by_alias=True)

    @property
    def made(self) -> tuple[Trial, ...]:
        """The trials as values."""
        return tuple(Trial(**dict(each)) for each in self.trials)
