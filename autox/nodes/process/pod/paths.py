"""A mount path in a string is where the volume really is: how charts run unchanged without mount namespaces.

A container that mounts a volume at ``/etc/app`` names ``/etc/app/app.yaml`` in its arguments; on this machine
that file is elsewhere, so the path is replaced where it stands as a whole: at the start of the string or after
something that cannot be part of a path, and up to the end, a ``/`` or, again, such a character. Shell scripts in
arguments are the reason for the longer list of characters.

What a program has compiled into it cannot be replaced; it finds its files below the path in the environment
variable ``CONTAINER_SANDBOX_MOUNT_POINT``, or not at all.
"""

import posixpath
import re
from collections.abc import Mapping

_BETWEEN = r"=:, \"'\s;|&<>()`@"


class MountPaths:
    """The mount paths of one container, and where each really is."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = {posixpath.normpath(path): place for path, place in places.items()}
        longest_first = sorted(self._places, key=len, reverse=True)
        either = "|".join(re.escape(path) for path in longest_first)
        self._pattern = re.compile(rf"(?:^|(?<=[{_BETWEEN}]))({either})(?=$|[/{_BETWEEN}])") if either else None

    def rewrite(self, text: str) -> str:
        """``text`` with every mount path in it replaced; the longest one that fits counts."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._places[match[1]], text)
