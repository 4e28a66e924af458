"""How much memory a build may take."""

from pathlib import Path

import psutil
import pytest

from image.memory import available

NEW, OLD = ["memory.max", "memory.current"], ["memory.limit_in_bytes", "memory.usage_in_bytes"]


@pytest.mark.parametrize(
    ("own", "names", "taken", "told"),
    [
        pytest.param("0::/a/b", NEW, {"": ("3000", "1000")}, 2000, id="of-the-container"),
        pytest.param("0::/a/b", NEW, {"a": ("max", "1"), "a/b": ("500", "100")}, 400, id="of-its-own"),
        pytest.param("0::/a/b", NEW, {"a": ("700", "100"), "a/b": ("5000", "100")}, 600, id="of-one-above"),
        pytest.param("0::/a/b", NEW, {"a/b": ("500", "900")}, 0, id="overdrawn"),
        pytest.param("0::/", NEW, {"": ("800", "100")}, 700, id="in-a-namespace-of-its-own"),
        pytest.param("2:cpu:/x\n4:memory:/a\n0::/", OLD, {"memory/a": ("900", "100")}, 800, id="version-1"),
        pytest.param("4:memory:/unseen", OLD, {"memory": ("900", "300")}, 600, id="version-1-of-the-container"),
    ],
)
def test_a_limit_on_memory_is_kept(
    tmp_path: Path, own: str, names: list[str], taken: dict[str, tuple[str, str]], told: int
) -> None:
    """A build in a container with little memory is not killed for what the machine has more."""
    (tmp_path / "own").write_text(f"{own}\n")
    for group, numbers in taken.items():
        place = tmp_path / group
        place.mkdir(parents=True, exist_ok=True)
        for name, number in zip(names, numbers, strict=True):
            (place / name).write_text(f"{number}\n")

    assert available(groups=tmp_path, own=tmp_path / "own") == told


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    """Where nothing limits it, a build takes of what is free and leaves the rest to others."""
    (tmp_path / "own").write_text("0::/\n")

    assert 0 < available(groups=tmp_path, own=tmp_path / "own") <= psutil.virtual_memory().total
    assert 0 <= available() <= psutil.virtual_memory().total
