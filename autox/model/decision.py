"""What the controller concluded for one experiment spec of a group, with its reason."""

from dataclasses import dataclass
from enum import StrEnum

from autox.model.experiments import ExperimentRecord, Identity


class Action(StrEnum):
    """What to do."""

    LAUNCH = "Launch"
    DELETE = "Delete"
    WAIT = "Wait"
    KEEP = "Keep"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One thing to do or not to do.

    Attributes:
        action: what.
        spec: the experiment spec's name; empty when it concerns the group as a whole.
        reason: CamelCase, one of ``autox.core.experiments.wording`` or ``runwording``.
        message: the same for people: what was seen, and for Wait what would change it.
        launch: for Launch, what to launch; for Wait, what has to wait its turn.
        name: with ``launch``, the name of the record and the release.
        record: for Delete, Keep and a Launch that is resumed, which experiment.
    """

    action: Action
    spec: str
    reason: str
    message: str
    launch: Identity | None = None
    name: str = ""
    record: ExperimentRecord | None = None
