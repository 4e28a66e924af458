"""How much memory a build may take."""

from pathlib import Path

import psutil
import pytest

from image.memory import available


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param({"": ("3000", "1000")}, 2000, id="of-the-container"),
        pytest.param({"a": ("max", "1"), "a/b": ("500", "100")}, 400, id="of-its-own"),
        pytest.param({"a": ("700", "100"), "a/b": ("5000", "100")}, 600, id="of-one-above"),
        pytest.param({"a/b": ("500", "900")}, 0, id="overdrawn"),
    ],
)
def test_a_limit_on_memory_is_kept(tmp_path: Path, files: dict[str, tuple[str, str]], told: int) -> None:
    """A build in a container with little memory is not killed for what the machine has more."""
    for group, (limit, current) in files.items():
        place = tmp_path / group
        place.mkdir(parents=True, exist_ok=True)
        (place / "memory.max").write_text(f"{limit}\n")
        (place / "memory.current").write_text(f"{current}\n")

    assert available("/a/b", groups=tmp_path) == told


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    """Where nothing limits it, a build takes of what is free and leaves the rest to others."""
    assert 0 < available("/a/b", groups=tmp_path) <= psutil.virtual_memory().total
    assert 0 <= available() <= psutil.virtual_memory().total
