"""An http or https URL, taken apart once into what a request and a connection need."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from autox.model.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443}
# What may stand in a path and query as it is; a "%" too, for what is escaped already stays so.
_PATH_SAFE = "/?:@!$&'()*+,;=-._~%[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where to send a request.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name in ASCII (IDNA) or an address, without brackets.
        port: the scheme's if the URL says none.
        authority: host and port as the ``Host`` header has them.
        path: path and query, escaped, at least ``/``.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str


def parse_url(text: str) -> Url:
    """Take a URL apart; a fragment is dropped.

    Raises:
        ConfigurationError: it is none, or none that a request can be sent to.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
        ascii_host = host if ":" in host or host.isascii() else host.encode("idna").decode("ascii")
    except (UnicodeError, ValueError) as error:
        raise ConfigurationError(f"the URL cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not host:
        raise ConfigurationError(f"{_shown(text)!r} is not a URL with a host", hint="write http://HOST[:PORT]/PATH")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"the URL for {host} has a user name or password in it", hint="give an Authorization header instead"
        )
    if port == 0 or any(character.isspace() or not character.isprintable() for character in host):
        raise ConfigurationError(f"{_shown(text)!r} is not a URL with a host", hint="write http://HOST[:PORT]/PATH")
    bracketed = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    query = f"?{parts.query}" if parts.query else ""
    return Url(
        scheme=parts.scheme,
        host=ascii_host,
        port=port or _PORTS[parts.scheme],
        authority=bracketed if port in (None, _PORTS[parts.scheme]) else f"{bracketed}:{port}",
        path=quote((parts.path or "/") + query, safe=_PATH_SAFE),
    )


def _shown(text: str) -> str:
    """The URL without what may be a secret: no query, and nothing before an ``@``."""
    return text.partition("?")[0].rpartition("@")[2][:200]
