"""Where trials are made: what is read back of a component, and that nobody waits for what was ended."""

import asyncio
from pathlib import Path

import pytest

from autox.cluster.spec import check_name
from autox.tasks.density.matrix.bench import Programs, StoppedError, _flag, _unless, bench_of

PROGRAMS: dict[Path | None, Programs] = {None: Programs(paths={}, versions={}, chosen={})}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["api", "--watch-cache=false"], "false"),
        (["api", "--watch-cache=true", "--v=2", "--watch-cache=false"], "false"),
        (["api", "--watch-cache-sizes=1", "--v=2"], None),
        (["api", "--watch-cache="], ""),
    ],
)
def test_a_flag_is_read_as_the_component_reads_it(argv: list[str], expected: str | None) -> None:
    """The last of several counts, and another flag that begins alike is another one."""
    assert _flag(argv, "watch-cache") == expected


async def test_a_wait_is_ended_by_the_user() -> None:
    """What was waited for is cancelled, and has ended before anything else is done."""
    stop, begun, seen = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    waiting = asyncio.create_task(_unless(stop, work()))
    await begun.wait()
    stop.set()

    with pytest.raises(StoppedError):
        await waiting
    assert seen == ["ended"]


async def test_what_goes_wrong_meanwhile_is_told() -> None:
    """An error of what was waited for is the error."""

    async def work() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await _unless(asyncio.Event(), work())


def test_matrices_at_once_do_not_meet(tmp_path: Path) -> None:
    """Each place of trials has a cluster of its own name, the same each time."""
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    names = [
        bench_of(tmp_path / kept, digest, PROGRAMS, environ).place.name
        for kept, digest in (("a", "0"), ("b", "0"), ("a", "1"), ("a", "0"))
    ]

    assert len(set(names)) == 3
    assert names[0] == names[3]
    assert all(check_name(each) == each for each in names)
