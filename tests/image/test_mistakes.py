"""What stands in the way of a build of the image: all of it is told at once, with or without buildah on the machine."""

import os
import sys
from pathlib import Path

import pytest

from tests.clusters import run

INSTALL = "apt-get install --no-install-recommends"
NO_BUILDAH = f"buildah is not installed: {INSTALL} buildah"
NO_BASE = "--base: there is no /absent.tar"
NO_PLACE = "--output names another place"
BARE = {"PATH": "/absent"}
"""The environment of a machine that has no program at all."""


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        pytest.param(["--base", "oci-archive:/absent.tar"], {}, [NO_BASE], id="no-base"),
        pytest.param(["--base", "docker-archive:/absent.tar:x:1"], BARE, [NO_BASE, NO_BUILDAH], id="no-base-tagged"),
        pytest.param(
            ["--base", "reg.test/python:3.11", "--builder", "dir:/absent"],
            BARE,
            ["--builder: there is no /absent", NO_BUILDAH],
            id="no-builder",
        ),
        pytest.param(["--output", "/proc/absent"], {}, [NO_PLACE], id="no-place"),
        pytest.param(["--output", "/dev/null/absent"], BARE, [NO_PLACE, NO_BUILDAH], id="no-place-in-a-file"),
        pytest.param([], {"TMPDIR": "/absent"}, ["TMPDIR: /absent is no directory"], id="no-place-to-work-in"),
        pytest.param(
            [],
            BARE,
            [NO_BUILDAH, *(f"{INSTALL} {package}" for package in ("util-linux", "git", "apt", "dpkg"))],
            id="no-programs",
        ),
        pytest.param(
            ["--base", "oci:/absent.tar", "--output", "/proc/absent"],
            {**BARE, "TMPDIR": "/absent"},
            [NO_BUILDAH, NO_BASE, NO_PLACE, "TMPDIR: /absent is no directory"],
            id="everything",
        ),
    ],
)
def test_each_mistake_is_told_and_leaves_nothing(
    arguments: list[str], environ: dict[str, str], told: list[str], tmp_path: Path
) -> None:
    """Each mistake is named together with what to do, whatever else is missing: it was buildah alone where that was."""
    given = {**os.environ, "TMPDIR": str(tmp_path), **environ}
    done = run(sys.executable, "-m", "image.build", "--output", str(tmp_path / "out"), *arguments, environ=given)

    assert done.code == 3
    assert [each for each in told if each not in done.err] == []
    assert "Traceback" not in done.err
    assert [path for path in tmp_path.rglob("*") if path.name != "out"] == []


def test_no_debian_is_asked_for_where_a_base_is_given(tmp_path: Path) -> None:
    """Who brings a base needs neither apt nor dpkg, which make one, and is not told to install them."""
    argv = ["-m", "image.build", "--output", str(tmp_path / "out"), "--base", "reg.test/python:3.11"]
    done = run(sys.executable, *argv, environ={**os.environ, **BARE})

    assert done.code == 3
    assert NO_BUILDAH in done.err
    assert "dpkg" not in done.err
