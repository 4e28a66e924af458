"""What goes wrong between sending a request and having its answer, in our vocabulary.

Answers that arrived whole are the business of ``status_errors``; this maps the exceptions of aiohttp, ssl and the
operating system. Only their kind and the system's own wording get into a message: an aiohttp exception's text may hold
the URL of a proxy with its password.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from autox.kube.connection import Connection
from autox.kube.lightly import aiohttp
from autox.model.errors import ConfigurationError, DeadlineError, ServerError, UnreachableError


@contextmanager
def mapped(what: str, connection: Connection) -> Iterator[None]:
    """Raise our error for whatever fails inside.

    Args:
        what: the request, to begin the message with.
        connection: says which server, and where its configuration came from.
    """
    server = connection.server
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise UnreachableError(f"{what}: {server} did not accept a connection in time") from error
    except TimeoutError as error:
        raise DeadlineError(f"{what}: no answer from {server} in time") from error
    except aiohttp.ClientConnectorCertificateError as error:
        # NB: permanent: who answers there is not whom the configuration trusts, and waiting does not change that.
        reason = getattr(error.certificate_error, "verify_message", "") or type(error.certificate_error).__name__
        raise ConfigurationError(
            f"{what}: the certificate of {server} is not trusted: {reason}",
            hint=f"Is {connection.origin} for another cluster, or older than this one?",
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise UnreachableError(
            f"{what}: cannot reach {server}: {_reason(error.os_error)}",
            hint=f"Does that API server run, and is {connection.origin} for the cluster that is meant?",
        ) from error
    except aiohttp.ClientHttpProxyError as error:
        raise UnreachableError(f"{what}: the proxy before {server} answered {error.status}") from error
    except aiohttp.ClientResponseError as error:
        raise ServerError(f"{what}: {server} does not speak HTTP as an API server does") from error
    except aiohttp.InvalidURL as error:
        raise ConfigurationError(f"{what}: {connection.origin} has a server or proxy URL that is none") from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"{what}: the connection to {server} broke: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})" if error.reason else "TLS failed"
    # NB: asyncio's own wording ("Connect call failed") hides the system's.
    number = getattr(error, "errno", None)
    strerror = os.strerror(number) if isinstance(number, int) and number > 0 else getattr(error, "strerror", None)
    return strerror if isinstance(strerror, str) else "it ended before the answer did"
