"""Credentials that change while the process runs: token files that are rotated, and credential plugins.

``auth`` makes these from a kubeconfig or from the pod's service account. Both follow client-go: a token file is read
again at most once a minute and after a 401, and a file that has become unreadable leaves the last good token in use;
a plugin runs again when what it gave has expired and after a 401.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autox.kube.connection import Credentials, Headers
from autox.model.errors import ConfigurationError, DeadlineError

REREAD_SECONDS = 60.0
PLUGIN_LIMIT_SECONDS = 60.0
PLUGIN_PAUSE_SECONDS = 10.0
EXPIRY_MARGIN = timedelta(seconds=30)


def bearer(token: str, *, what: str) -> Headers:
    """The header of a bearer token.

    Raises:
        ConfigurationError: the token could not stand in a header; the message says ``what`` it is, never its text.
    """
    # NB: a line break inside a token would smuggle in headers of its own.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(f"{what} is not a bearer token: it is empty or has characters no token has")
    return (("Authorization", f"Bearer {token}"),)


class TokenFile:
    """A bearer token in a file that somebody rotates."""

    def __init__(
        self, path: Path, *, extra: Headers = (), fallback: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is read before the first ``headers``.

        Args:
            path: of the file; it holds the token and nothing else.
            extra: headers to send besides.
            fallback: the token until one could be read from the file; empty for none.
            clock: monotonic seconds.

        Raises:
            ConfigurationError: the fallback is no bearer token.
        """
        self._path = path
        self._extra = extra
        self._clock = clock
        self._headers: Headers = bearer(fallback, what="the token beside tokenFile") + extra if fallback else ()
        self._read_at: float | None = None

    async def headers(self) -> Headers:
        """The header with the token, read again if a minute has passed."""
        if self._read_at is None or self._clock() - self._read_at >= REREAD_SECONDS:
            self._read()
        return self._headers

    def rejected(self, used: Headers) -> bool:
        """Read the file now; true if another token stands in it."""
        self._read()
        return self._headers != used

    def _read(self) -> None:
        try:
            # NB: a few hundred bytes from a local file or tmpfs; a thread would cost more than the read.
            token = self._path.read_text(encoding="ascii").strip()
            self._headers = bearer(token, what=f"what stands in {self._path}") + self._extra
        except (OSError, UnicodeDecodeError, ConfigurationError) as error:
            if not self._headers:
                if isinstance(error, ConfigurationError):
                    raise
                reason = error.strerror if isinstance(error, OSError) else "it is not text"
                raise ConfigurationError(f"cannot read the token file {self._path}: {reason}") from error
        self._read_at = self._clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginAnswer:
    """What a credential plugin gave: a token, a client certificate, or both.

    Attributes:
        token: bearer token; empty for none.
        certificate: client certificate and its key, PEM; None for none.
        expires: when it stops being good; None if it did not say.
    """

    token: str = field(default="", repr=False)
    certificate: tuple[str, str] | None = field(default=None, repr=False)
    expires: datetime | None = None


class PluginCredentials:
    """What an exec plugin of a kubeconfig hands out, asked for when needed and again when it has run out."""

    def __init__(
        self,
        run: Callable[[], PluginAnswer],
        *,
        install: Callable[[tuple[str, str]], None],
        what: str,
        extra: Headers = (),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep the recipe; nothing runs yet.

        Args:
            run: runs the plugin; it blocks, so it is called in a thread.
            install: puts a client certificate into the connection's TLS context.
            what: names the plugin in error messages.
            extra: headers to send besides.
            clock: monotonic seconds.
            now: the wall clock, for expiry.
        """
        self._run = run
        self._install = install
        self._what = what
        self._extra = extra
        self._clock = clock
        self._now = now
        self._lock = asyncio.Lock()
        self._answer: PluginAnswer | None = None
        self._ran_at = 0.0

    async def headers(self) -> Headers:
        """The plugin's token as a header; runs the plugin if there is no fresh answer of it."""
        async with self._lock:
            answer = self._answer
            if answer is None or (answer.expires is not None and answer.expires - EXPIRY_MARGIN <= self._now()):
                answer = await self._ask()
        return self._as_headers(answer)

    def rejected(self, used: Headers) -> bool:
        """Ask the plugin again before the next request, unless it has run just now: a refusal must not be a storm."""
        if self._answer is None or self._as_headers(self._answer) != used:
            return True
        if self._clock() - self._ran_at < PLUGIN_PAUSE_SECONDS:
            return False
        self._answer = None
        return True

    def _as_headers(self, answer: PluginAnswer) -> Headers:
        token = bearer(answer.token, what=f"what {self._what} gave") if answer.token else ()
        return token + self._extra

    async def _ask(self) -> PluginAnswer:
        try:
            async with asyncio.timeout(PLUGIN_LIMIT_SECONDS):
                answer = await asyncio.to_thread(self._run)
        except TimeoutError as error:
            raise DeadlineError(f"{self._what} gave no credentials within {PLUGIN_LIMIT_SECONDS:.0f} s") from error
        if answer.certificate is not None:
            self._install(answer.certificate)
        self._ran_at = self._clock()
        self._answer = answer
        return answer


class Impersonating:
    """Acts as another user, which the API server allows whoever may ``impersonate`` it."""

    def __init__(self, own: Credentials, user: str, *, groups: Sequence[str]) -> None:
        """Nothing is asked for yet.

        Args:
            own: what lets us in.
            user: whom to act as.
            groups: the groups of that user.
        """
        self._own = own
        self._extra = (("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups))

    async def headers(self) -> Headers:
        """Our own headers, and whom to act as."""
        return await self._own.headers() + self._extra

    def rejected(self, used: Headers) -> bool:
        """Whether our own credentials may be better now."""
        return self._own.rejected(used[: -len(self._extra)])
