"""One error vocabulary for the whole product, and each error says whether trying again can help.

Adapters at the edges (``autox.kube``, ``autox.cluster``) map foreign exceptions to these, so that no layer above
ever sees an aiohttp, OSError or subprocess error of somebody else's making. The command line prints ``message``
and, on a line of its own, ``hint``; a traceback therefore always means a defect of ours.

Rejected: one class with a status code inside (every caller would compare numbers), and carrying the foreign
exception in public (it is chained with ``raise … from`` for whoever debugs).
"""


class AutoxError(Exception):
    """Something that a user can cause or meet.

    Attributes:
        message: what is wrong and where, one sentence, no trailing full stop needed.
        hint: what to do about it; empty when there is nothing sensible to say.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    @property
    def advice(self) -> str:
        """The message and the hint in one paragraph, for places that have room for one text (Events, statuses)."""
        between = "; " if self.hint[:1].islower() else ". "
        return f"{self.message}{between}{self.hint}" if self.hint else self.message


class TransientError(AutoxError):
    """The same call may succeed later: wait, back off, try again."""


class PermanentError(AutoxError):
    """The same call will fail again until something else changes."""


class UnreachableError(TransientError):
    """The other side could not be reached, or the connection broke before its answer was complete."""


class DeadlineError(TransientError):
    """No answer, or no wanted state, within the time given."""


class TooManyRequestsError(TransientError):
    """The server asked for patience (HTTP 429, or 503 with Retry-After).

    Attributes:
        retry_after: seconds the server asked to wait; 0.0 if it did not say.
    """

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        """Tell what was refused, and for how long.

        Args:
            message: what is wrong and where, one sentence.
            hint: what to do about it; may be empty.
            retry_after: seconds the server asked to wait; 0.0 if it did not say.
        """
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class ServerError(TransientError):
    """The server failed to serve a good request (HTTP 5xx)."""


class ConflictError(TransientError):
    """Somebody else changed the object first (HTTP 409 Conflict): read it again, decide again."""


class AlreadyExistsError(PermanentError):
    """An object of that name is there already (HTTP 409 AlreadyExists)."""


class NotFoundError(PermanentError):
    """The API server answered that there is no such object or resource (HTTP 404)."""


class NotOursError(PermanentError):
    """Something of a wanted name exists, and autox did not make it: it is left alone."""


class ExpiredError(PermanentError):
    """The resource version or continue token is too old (HTTP 410, reasons Expired and Gone): list again."""


class UnauthorizedError(PermanentError):
    """The credentials were not accepted (HTTP 401)."""


class ForbiddenError(PermanentError):
    """The credentials are good but not for this (HTTP 403)."""


class InvalidError(PermanentError):
    """The request or the object is not valid (HTTP 400, 405, 413, 415, 422)."""


class ConfigurationError(PermanentError):
    """A file, flag or environment variable that the user gave does not make sense; the command line exits 2."""


class UnsupportedError(PermanentError):
    """A true feature of Kubernetes that this part of autox does not offer."""


class StartError(PermanentError):
    """A container, or a volume that it needs, cannot be made as its pod describes it.

    Attributes:
        reason: the word that a kubelet shows for it: ``StartError``, ``CreateContainerConfigError``,
            ``ErrImageNeverPull``, ``FailedMount``.
    """

    def __init__(self, message: str, *, hint: str = "", reason: str = "StartError") -> None:
        """Tell what cannot be made, for us and in a word of the kubelet's.

        Args:
            message: what is wrong and where, one sentence.
            hint: what to do about it; may be empty.
            reason: the word that a kubelet shows for it.
        """
        super().__init__(message, hint=hint)
        self.reason = reason
