"""A Helm release of ours as somebody found it: enough to say whose it is, and whether it is as it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRelease:
    """The release of an experiment.

    Attributes:
        namespace: where it is.
        name: its name, which is also that of the experiment's record.
        group: namespace and name of the group that asked for it, as its labels say.
        is_stuck: an interrupted Helm left it pending or failed, and no Helm is at work on it any more.
    """

    namespace: str
    name: str
    group: tuple[str, str]
    is_stuck: bool
