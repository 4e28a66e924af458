"""Nothing kept on anybody's object: what kopf has in place of its stores of handlers' state.

kopf asks them at each event, even where only ``on.event`` handlers exist, and its own ones copy the object twice to
answer. With nothing else registered the answer is never used. NB: they would be wrong beside any handler that
detects changes.
"""

from typing import Any

from autox.adapters.kopf_lightly import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """No object has a state that was handled last."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:  # noqa: ARG002  - kopf's signature
        """See ``kopf.DiffBaseStorage``; nothing of an object is essential."""
        return {}

    def fetch(self, *, body: Any) -> None:
        """See ``kopf.DiffBaseStorage``; nothing was kept."""

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        """See ``kopf.DiffBaseStorage``; nothing is kept."""


class NoProgress(kopf.ProgressStorage):
    """No handler has any progress to remember."""

    def fetch(self, *, key: Any, body: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing was kept."""

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing is kept."""

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing is there to be removed."""

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
        """See ``kopf.ProgressStorage``; nothing marks an object."""

    def clear(self, *, essence: Any) -> Any:
        """See ``kopf.ProgressStorage``; nothing of ours is in it."""
        return essence
