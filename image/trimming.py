"""What of the libraries stays out of the image: what nothing loads there, and what matters only to who develops them.

``cryptography`` makes certificates, which ``autox cluster`` and ``autox density matrix`` alone need: no pod brings up a
control plane, 17 MB.
The official Kubernetes client is 75 MB, of which autox uses one class, that which runs a kubeconfig's credential
plugin. The rest of it is generated: a module for each kind of object and for each group of the API, and all of them
once more for asyncio. The client itself loads such a module only when it is asked for, and nobody asks here. So the
modules go, and their packages stay.

That nothing misses them is shown by tests in the built image: every module of autox but those of these two is
loaded there, and such a plugin runs.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

NEVER_LOADED = (
    "_cffi_backend*",
    "cffi*",
    "cryptography*",
    "pycparser*",
    "kubernetes/aio/*",
    "kubernetes/client/api/[!_]*",
    "kubernetes/client/models/[!_]*",
)
"""Patterns. What a library loads together with what is needed stays: the ``__init__.py`` of its packages."""

_SOURCES = {".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx"}
_ABOUT_THE_INSTALLATION = {"INSTALLER", "REQUESTED", "direct_url.json"}


def trim(place: Path, never_loaded: Sequence[str] = ()) -> None:
    """Remove it from a directory of installed libraries, and from the lists of files that they have.

    Raises:
        FileNotFoundError: there is nothing where something should go: a library has changed.
    """
    for pattern in never_loaded:
        found = [*place.glob(pattern)]
        if not found:
            raise FileNotFoundError(f"{place / pattern}: see {__name__}")
        for path in found:
            _remove(path)
    for path in [*place.rglob("*")]:
        if _unneeded(path.relative_to(place)):
            _remove(path)
    for record in place.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if (place / line.split(",", 1)[0]).is_file()))


def _unneeded(path: Path) -> bool:
    return (
        path.parts[0] == "bin"
        or path.name in {"test", "tests"}
        or path.name.endswith("_test.py")
        or path.suffix in _SOURCES
        or (path.parts[0].endswith(".dist-info") and path.name in _ABOUT_THE_INSTALLATION)
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
