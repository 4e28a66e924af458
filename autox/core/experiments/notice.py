"""What people are told of a group or an experiment: a word for scripts, and a sentence.

The same notice stands in the group's status, in the record's conditions and in an Event, so that whoever looks in
one of these places reads the same sentence. How loud an Event is follows from the reason alone. The sentences are
``wording``'s and ``runwording``'s.
"""

from dataclasses import dataclass
from typing import Literal

NoticeType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told.

    Attributes:
        reason: CamelCase.
        message: what was seen.
        type: of the Event that tells it.
        remedy: what would change it, for as long as somebody waits for that; empty if nothing needs to change.
    """

    reason: str
    message: str
    type: NoticeType = "Normal"
    remedy: str = ""

    @property
    def advice(self) -> str:
        """The message and what would change it."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


def warning(reason: str, message: str, *, remedy: str = "") -> Notice:
    """A notice that somebody should do something about.

    Args:
        reason: CamelCase.
        message: what was seen.
        remedy: what would change it; empty if that is for somebody to find out.
    """
    return Notice(reason=reason, message=message, type="Warning", remedy=remedy)
