"""When a service-account token is to be replaced: the kubelet's rule, as a function of the time.

Source: pkg/kubelet/token/token_manager.go in kubernetes, with its jitter as an argument.
"""

from autox.nodes.process.volumes.sources import Token

_LONGEST = 24 * 3600.0  # seconds after which any token is replaced
_SHARE = 0.8  # of its lifetime
JITTER = 10.0
"""Seconds by which the caller's randomness should bring a replacement forward, so that not all come at once."""


def needs_refresh(token: Token, now: float, *, jitter: float = 0.0) -> bool:
    """True once 80 % of the lifetime, or a day, has passed.

    Args:
        token: the one in use.
        now: seconds since the epoch.
        jitter: seconds by which it is due earlier; from 0 to ``JITTER``, as the caller draws it.
    """
    issued_at = token.expires_at - token.lifetime
    return now + jitter >= issued_at + min(token.lifetime * _SHARE, _LONGEST)
