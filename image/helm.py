"""``python3 -m image.helm FILE``: the pinned helm, found or got as ``autox cluster binaries`` gets it."""

import os
import shutil
import sys
from pathlib import Path

from autox.cli.parts.progress import TerminalProgress
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool


def helm() -> Path:
    """Where the pinned helm is on this machine; downloads and verifies it, or builds it, when it is not."""
    settings = BinarySettings.from_environment(os.environ)
    return provide([Tool.HELM], settings=settings, progress=TerminalProgress(sys.stderr))[Tool.HELM].path


if __name__ == "__main__":
    shutil.copyfile(helm(), sys.argv[1])
