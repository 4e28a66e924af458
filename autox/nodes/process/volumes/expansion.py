"""``$(VAR)`` in commands, arguments and values of environment variables, character for character as Kubernetes does.

``$$`` is an escaped ``$``; a reference to an unknown variable, and anything that is not a reference, stays as it
is. Source: third_party/forked/golang/expansion in kubernetes.
"""

import re
from collections.abc import Callable, Mapping

# NB: "$(" without ")" is no reference, and neither is "$" before anything else: both stay.
_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


def expand(text: str, value_of: Callable[[str], str | None]) -> str:
    """``text`` with references replaced; ``value_of`` gives None for a variable that it does not know."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] is not None:
            return "$"
        value = value_of(match[2])
        return match[0] if value is None else value

    return _REFERENCE.sub(replacement, text)


def expand_with(text: str, *variables: Mapping[str, str]) -> str:
    """``text`` with references replaced from the first of ``variables`` that knows each name."""
    return expand(text, lambda name: next((known[name] for known in variables if name in known), None))
