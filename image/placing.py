"""``python3 placing.py FROM TO``: the Dockerfile's second step, run by the Python of the base and on its own.

Puts the libraries and autox where that Python looks for libraries, writes the program ``autox``, and compiles all of
it and the standard library. A start from sources takes three times as long, and where the image runs, its file system
is read-only. The compiled files neither hold a time nor are they compared with their sources: they come out the same
each time, and nobody can change a source in an image.
"""

import importlib.util
import py_compile
import shutil
import sys
import sysconfig
from pathlib import Path

PROGRAM = """\
#!{python}
import sys

from autox.cli.main import main

sys.exit(main())
"""
UNUSED = {
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
}


def main(tree: Path, placed: Path) -> None:
    """Make one directory for each layer; each goes on top of the root."""
    version, built = sysconfig.get_python_version(), (tree / "version").read_text()
    if version != built:
        raise SystemExit(f"error: BUILDER has Python {built} and BASE {version}: give two of the same version")
    packages, library = (Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib"))
    shutil.copytree(tree / "helm", placed / "helm")
    for layer in ("libraries", "autox"):
        place = placed / layer / packages.relative_to("/")
        shutil.copytree(tree / layer, place)
        for file in sorted(place.rglob("*.py")):
            compile_as(file, packages / file.relative_to(place), placed / layer)
    for file in sorted(library.rglob("*.py")):
        if not UNUSED & {*file.relative_to(library).parts}:
            compile_as(file, file, placed / "python")
    program = placed / "autox" / "usr" / "local" / "bin" / "autox"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)


def compile_as(source: Path, name: Path, root: Path) -> None:
    """Compile a file as what it will be called in the image; one that is no Python of this version stays a source."""
    compiled = root / Path(importlib.util.cache_from_source(str(name))).relative_to("/")
    compiled.parent.mkdir(parents=True, exist_ok=True)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), str(compiled), str(name), invalidation_mode=mode, quiet=2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
