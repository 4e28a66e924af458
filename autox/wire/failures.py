"""How an exchange of a request for an answer fails, by kind: what a load generator counts and a reader asks first."""

import errno
import socket
import ssl
from enum import StrEnum

from autox.model.errors import UnreachableError


class FailureKind(StrEnum):
    """The value is what users read."""

    REFUSED = "connection refused"
    RESET = "connection reset"
    CLOSED = "connection closed before the answer was complete"
    TIMEOUT = "timeout"
    TLS = "TLS failed"
    PROTOCOL = "the answer is not HTTP"
    UNREACHABLE = "network error"
    EXHAUSTED = "this machine ran out of ports or files"


class ExchangeError(UnreachableError):
    """No valid answer came.

    Attributes:
        kind: how it failed.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


_KINDS = {
    errno.ECONNREFUSED: FailureKind.REFUSED,
    errno.ECONNRESET: FailureKind.RESET,
    errno.EPIPE: FailureKind.RESET,
    errno.ECONNABORTED: FailureKind.RESET,
    errno.ETIMEDOUT: FailureKind.TIMEOUT,
    errno.EADDRNOTAVAIL: FailureKind.EXHAUSTED,
    errno.EMFILE: FailureKind.EXHAUSTED,
    errno.ENFILE: FailureKind.EXHAUSTED,
    errno.ENOBUFS: FailureKind.EXHAUSTED,
    errno.ENOMEM: FailureKind.EXHAUSTED,
}


def failure(error: Exception, peer: str) -> ExchangeError:
    """Our error for one of the operating system, the ssl module or asyncio, which is its cause.

    Args:
        error: what was raised, or what ``connection_lost`` was told.
        peer: ``address:port``, to end the message with.
    """
    if isinstance(error, ExchangeError):
        return error
    made = _failure(error, peer)
    made.__cause__ = error
    return made


def _failure(error: Exception, peer: str) -> ExchangeError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ExchangeError(FailureKind.TLS, f"TLS failed: {error.verify_message} ({peer})")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "the connection ended").lower().replace("_", " ")
        return ExchangeError(FailureKind.TLS, f"TLS failed: {reason} ({peer})")
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror):
        kind = _kind(error)
        text = error.strerror if kind in (FailureKind.UNREACHABLE, FailureKind.EXHAUSTED) else None
        return ExchangeError(kind, f"{text or kind.value} ({peer})")
    return ExchangeError(FailureKind.UNREACHABLE, f"{FailureKind.UNREACHABLE.value}: {type(error).__name__} ({peer})")


def _kind(error: OSError) -> FailureKind:
    if error.errno is None:
        # NB: asyncio raises some of these without a number: ConnectionResetError during a TLS handshake, for one.
        known = {
            ConnectionRefusedError: FailureKind.REFUSED,
            ConnectionResetError: FailureKind.RESET,
            ConnectionAbortedError: FailureKind.RESET,
            BrokenPipeError: FailureKind.RESET,
            TimeoutError: FailureKind.TIMEOUT,
        }
        return known.get(type(error), FailureKind.UNREACHABLE)
    return _KINDS.get(error.errno, FailureKind.UNREACHABLE)
