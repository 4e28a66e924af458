"""An http or https URL, taken apart once into what a request and a connection need."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from autox.core.formats.hosts import host_of
from autox.model.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443}
# What may stand in a path and query as it is; a "%" too, for what is escaped already stays so.
_PATH_SAFE = "/?:@!$&'()*+,;=-._~%[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where to send a request.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name in ASCII and lower case, or an address, without brackets; what is resolved. A final dot stays,
            for it keeps the resolver from trying the name in other domains first.
        port: the scheme's if the URL says none.
        authority: host and port as the ``Host`` header has them.
        path: path and query, escaped, at least ``/``; may hold a token.
        authorization: the value of an ``Authorization`` header if there is a user name or password in the URL.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str = field(repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The host without its final dot: what certificates, Services and the charts' rules call it."""
        return self.host.removesuffix(".")


def parse_url(text: str) -> Url:
    """Take a URL apart; a fragment is dropped.

    Raises:
        ConfigurationError: it is none, or none that a request can be sent to.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        # NB: the reason of the library may repeat the URL, which may hold a password.
        raise ConfigurationError(f"the URL cannot be read: {_shown(text)!r}") from error
    if parts.scheme not in _PORTS or port == 0 or not parts.hostname:
        raise ConfigurationError(f"{_shown(text)!r} is not a URL with a host", hint="write http://HOST[:PORT]/PATH")
    try:
        host = host_of(parts)
    except ValueError as error:
        raise ConfigurationError(
            f"{_shown(text)!r} cannot be requested: {error}", hint="write http://HOST[:PORT]/PATH"
        ) from error
    bracketed = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    return Url(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        authority=bracketed if port in (None, _PORTS[parts.scheme]) else f"{bracketed}:{port}",
        path=quote((parts.path or "/") + query, safe=_PATH_SAFE),
        authorization=_authorization(parts),
    )


def _authorization(parts: SplitResult) -> str:
    if parts.username is None and parts.password is None:
        return ""
    pair = unquote_to_bytes(parts.username or "") + b":" + unquote_to_bytes(parts.password or "")
    return f"Basic {b64encode(pair).decode('ascii')}"


def _shown(text: str) -> str:
    """The URL without what may be a secret: no query, and nothing before an ``@``."""
    shown, _, rest = text.partition("?")
    # NB: an "@" behind the "?" may be the end of a password that has one in it.
    return "…" if "@" in rest else shown.rpartition("@")[2][:200]
