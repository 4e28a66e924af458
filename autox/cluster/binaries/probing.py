"""Asking a program which version it is: bounded in time and output, and remembered, since a cold start costs 50 ms.

What was learnt is kept in ``versions.json`` in the cache, keyed by path, size and modification time, so that finding
all tools again costs a few stats. The file is a convenience: unreadable, it counts as empty; unwritable, it is
not kept.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from autox.cluster.binaries.asking import NoAnswerError, ask
from autox.cluster.binaries.cache import replace_file
from autox.cluster.binaries.tools import Tool
from autox.cluster.binaries.versions import arguments, reported

_TIMEOUT = 10.0  # seconds; a tool under heavy load answers in less than one


class VersionProbe:
    """Reads the versions of files and remembers them.

    Methods may be called from several threads.
    """

    def __init__(self, memory: Path, *, timeout: float = _TIMEOUT) -> None:
        """Load what is remembered.

        Args:
            memory: the file that keeps what was learnt.
            timeout: seconds a program may take to say its version.
        """
        self._memory = memory
        self._timeout = timeout
        self._known = _load(memory)
        self._learnt: dict[str, Any] = {}

    def version(self, tool: Tool, path: Path) -> str:
        """The version this file reports as that tool, with a leading ``v``.

        Raises:
            NoAnswerError: it is not there, may not be executed, hangs, fails, or is not that tool.
        """
        try:
            stat = path.stat()
        except OSError as error:
            raise NoAnswerError(f"cannot be read: {error.strerror}") from error
        if not path.is_file():
            raise NoAnswerError("is not a file")
        if not os.access(path, os.X_OK):
            raise NoAnswerError("is not executable")
        key = f"{tool}:{path}"
        identity = [stat.st_size, stat.st_mtime_ns]
        known = self._learnt.get(key) or self._known.get(key)
        if isinstance(known, dict) and known.get("identity") == identity and isinstance(known.get("version"), str):
            return str(known["version"])
        # NB: a user's kubeconfig and Helm plugins may be broken and have no say in the version
        env = {**os.environ, "KUBECONFIG": os.devnull, "HELM_NO_PLUGINS": "1"}
        version = reported(tool, ask([str(path), *arguments(tool)], env=env, timeout=self._timeout))
        if version is None:
            raise NoAnswerError(f"does not report its version as {tool} does")
        self._learnt[key] = {"identity": identity, "version": version}
        return version

    def remember(self) -> None:
        """Keep what was learnt for the next time, where that is possible."""
        if not self._learnt:
            return
        # what another process has learnt meanwhile is kept too
        kept = {key: value for key, value in _load(self._memory).items() if os.access(key.partition(":")[2], os.F_OK)}
        # NB: a cache that cannot be written must not hinder somebody who has all binaries on PATH
        with contextlib.suppress(OSError):
            replace_file(self._memory, json.dumps(kept | self._learnt, indent=1).encode())
        self._learnt = {}


def _load(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(memory.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
