"""A part that gave way first: what a verdict says of it. ``attribution`` next door finds out which it was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culprit:
    """A part that gave way.

    Attributes:
        part: which: ``etcd``.
        evidence: how that shows, a clause.
        hint: what a reader can do about it, a clause.
        has_note: a note of its own tells of it, and knows better which figures it explains.
        has_died: it was not there for a while, which explains whatever became of pods and clients.
        is_ours: it is a part of the test and not of what is tested, so that the figures are of nobody else.
    """

    part: str
    evidence: str
    hint: str
    has_note: bool = False
    has_died: bool = False
    is_ours: bool = False

    def __str__(self) -> str:
        return f"{self.part} gave way first: {self.evidence}"
