"""The image, built twice from this checkout, and unpacked."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.archives import unpack
from tests.image.inside import USER, Unpacked
from tests.image.making import PLACE, made, make


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Two builds of one checkout.

    Attributes:
        outputs: the directories; the first is that of ``make image``, which the stories on a real node bring to it.
        said: what the first one printed.
        left: what was in the place to work in when both were done.
    """

    outputs: tuple[Path, Path]
    said: str
    left: list[Path]

    @property
    def archive(self) -> Path:
        """The image."""
        return self.outputs[0] / "autox.tar"

    @property
    def bill(self) -> Path:
        """What is in it."""
        return self.outputs[0] / "autox.spdx.json"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both builds, one after the other: at once they would leave nothing of two processors to the tests beside."""
    place = tmp_path_factory.mktemp("image")
    work = place / "work"
    work.mkdir()
    said = made(work=work)
    make(place / "second", work=work)
    return Built(outputs=(PLACE, place / "second"), said=said, left=[*work.iterdir()])


@pytest.fixture(scope="session")
def image(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpacked]:
    """The image's root file system, to run commands in."""
    place = tmp_path_factory.mktemp("unpacked")
    # NB: its user must get there, and pytest's directories are for ours alone.
    for above in (place, place.parent, place.parent.parent):
        above.chmod(above.stat().st_mode | 0o011)
    scratch = place / "scratch"
    scratch.mkdir()
    os.chown(scratch, USER, USER)
    yield Unpacked(root=unpack(built.archive, place / "root"), scratch=scratch)
    shutil.rmtree(place / "root")
