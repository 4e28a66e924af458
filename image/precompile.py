"""Runs inside the image while it is built: compiles the standard library and all of autox, then removes itself.

The files are of the unchecked kind, which carry neither the time nor the digest of their source, so that they are the
same each time; nobody can change a source in an image. The seed is fixed because sets in constants are written in the
order of their hashes.
"""

import compileall
import os
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode
from re import compile as pattern

SEED = {"PYTHONHASHSEED": "0"}
UNUSED = r"/(test|idlelib|lib2to3|tkinter|turtledemo|ensurepip|pydoc_data)/|/site-packages/"

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != SEED["PYTHONHASHSEED"]:
        os.execve(sys.executable, [sys.executable, *sys.argv], SEED)  # noqa: S606  - itself
    here = Path(__file__)
    here.unlink()
    for tree, skipped in ((sysconfig.get_path("stdlib"), pattern(UNUSED)), (str(here.parent), None)):
        compileall.compile_dir(
            tree, quiet=2, rx=skipped, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, workers=1
        )
