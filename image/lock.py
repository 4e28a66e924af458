"""A lock file, ``requirements/*.txt``, and a part of it: what builds autox is among what develops it."""

import re
from collections.abc import Collection

BACKEND = ("hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers")
"""What autox is built by: the build backend of pyproject.toml, and what that needs."""

_ENTRY = re.compile(r"^(?P<name>[a-z0-9.-]+)==.*(?:\n[ ].*)*", re.MULTILINE)


def select(lock: str, names: Collection[str]) -> str:
    """The entries of some distributions, with their versions and digests.

    Raises:
        KeyError: one is not in the lock file.
    """
    entries = {found["name"]: found[0] for found in _ENTRY.finditer(lock)}
    return "".join(f"{entries[name]}\n" for name in names)
