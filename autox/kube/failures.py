"""What goes wrong between sending a request and having its answer, in our vocabulary.

Answers that arrived whole are the business of ``status_errors``; this maps the failures of ``autox.wire``, and of the
TLS library and the operating system behind them. The system's own wording gets into a message, and no URL of a proxy,
which may have its password in it.
"""

import os
import ssl

from autox.kube.connection import Connection
from autox.model.errors import AutoxError, ConfigurationError, DeadlineError, ServerError, UnreachableError
from autox.wire.failures import ExchangeError, FailureKind


def unreachable(error: ExchangeError, what: str, connection: Connection) -> AutoxError:
    """Our error for a connection that did not come about.

    Args:
        error: why.
        what: the request, to begin the message with.
        connection: says which server, and where its configuration came from.
    """
    server, cause = connection.server, error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        # NB: permanent: who answers there is not whom the configuration trusts, and waiting does not change that.
        return ConfigurationError(
            f"{what}: the certificate of {server} is not trusted: {cause.verify_message or type(cause).__name__}",
            hint=f"Is {connection.origin} for another cluster, or older than this one?",
        )
    if error.kind is FailureKind.TIMEOUT and not connection.proxy:
        return UnreachableError(f"{what}: {server} did not accept a connection in time")
    return UnreachableError(
        f"{what}: cannot reach {server}{' through its proxy' if connection.proxy else ''}: {_reason(error)}",
        hint=f"Does that API server run, and is {connection.origin} for the cluster that is meant?",
    )


def broken(error: ExchangeError, what: str, connection: Connection) -> AutoxError:
    """Our error for an answer that did not come to its end.

    Args:
        error: why.
        what: the request, to begin the message with.
        connection: says which server.
    """
    if error.kind is FailureKind.PROTOCOL:
        return ServerError(f"{what}: {connection.server} does not speak HTTP as an API server does")
    return UnreachableError(f"{what}: the connection to {connection.server} broke: {_reason(error)}")


def late(what: str, connection: Connection) -> AutoxError:
    """Our error for an answer that did not come in time.

    Args:
        what: the request, to begin the message with.
        connection: says which server.
    """
    return DeadlineError(f"{what}: no answer from {connection.server} in time")


def _reason(error: ExchangeError) -> str:
    cause = error.__cause__
    if cause is None:
        return "it ended before the answer did" if error.kind is FailureKind.CLOSED else error.message
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({cause.reason})" if cause.reason else "TLS failed"
    # NB: asyncio's own wording ("Connect call failed") hides the system's.
    number = getattr(cause, "errno", None)
    strerror = os.strerror(number) if isinstance(number, int) and number > 0 else getattr(cause, "strerror", None)
    return strerror if isinstance(strerror, str) else error.message
