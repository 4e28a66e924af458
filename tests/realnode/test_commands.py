"""The commands of docs/real-node.md, word for word."""

import os
import sys
from pathlib import Path

import pytest

from autox import __version__
from tests.clusters import run
from tests.docs.test_documents import MAKE, ROOT, blocks
from tests.realnode.conftest import RealCluster

pytestmark = pytest.mark.realnode


def test_the_documents_commands_work(tmp_path: Path) -> None:
    """Who types what the document says gets a node, an image on it, a pod that ran, and nothing left in the end."""
    script = "\n".join(block for block in blocks(ROOT / "docs" / "real-node.md") if not MAKE.search(block))
    assert "--runtime containerd" in script
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PATH": path}
    try:
        done = run("/bin/bash", "-eux", "-c", f"cd {ROOT}\n{script}", environ=environ)
    finally:
        RealCluster(name="real", state=tmp_path).end()

    assert done.code == 0, done.err
    assert f"autox, version {__version__}" in done.out
    assert "containerd://" in done.out
    assert "cluster real is gone" in done.out
