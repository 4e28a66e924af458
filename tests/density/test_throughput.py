"""How many pods were bound a second: over the whole, and what was kept up."""

import pytest

from autox.tasks.density.observation.throughput import throughput
from tests.density.samples import pod, seen


@pytest.mark.parametrize(
    ("bound", "wanted", "overall"),
    [
        pytest.param([0.1, 2.0], 2, 2 / 4.0, id="quick: over the time that they were due"),
        pytest.param([0.1, 8.0], 2, 2 / 8.0, id="slow: until the last was bound"),
        pytest.param([0.1, 2.0], 3, 2 / 60.0, id="dead in mid-run: until the end"),
        pytest.param([], 3, 0.0, id="dead from the beginning"),
    ],
)
def test_throughput_falls_to_what_a_dead_scheduler_deserves(bound: list[float], wanted: int, overall: float) -> None:
    """It was divided by the time of the last binding: a scheduler that died after a good start kept its rate."""
    bindings = seen(*((at, pod(str(at), at=at, node="n-0")) for at in bound)).bindings

    found = throughput(bindings, began=0.0, due=4.0, until=60.0, wanted=wanted)

    assert found.overall == pytest.approx(overall)


def steadily(rate: float, *, since: float, until: float) -> list[float]:
    """So many bindings a second, evenly."""
    return [since + (index + 0.5) / rate for index in range(round((until - since) * rate))]


@pytest.mark.parametrize(
    ("bound", "worst", "best"),
    [
        pytest.param(steadily(10, since=0, until=30), 10, 10, id="steady"),
        pytest.param(steadily(10, since=0, until=10) + steadily(10, since=20, until=30), 0, 10, id="a rest of 10 s"),
        pytest.param(steadily(150, since=29, until=31), 0, 30, id="all at the end"),
        pytest.param(steadily(10, since=0, until=15) + steadily(2, since=15, until=90), 2, 10, id="slower and slower"),
        pytest.param(steadily(10, since=0, until=10), 0, 10, id="dead after a good start"),
    ],
)
def test_what_was_kept_up_is_the_worst_of_all_windows(bound: list[float], worst: float, best: float) -> None:
    """A scheduler that rests and then hurries passed by its best second, and by its mean."""
    found = throughput(bound, began=0.0, due=30.0, until=120.0, wanted=300)

    assert [found.windows[0], found.windows[-1]] == pytest.approx([worst, best])
    assert list(found.windows) == sorted(found.windows)
    assert found.seconds == 10


def test_a_load_shorter_than_a_window_has_the_whole_alone() -> None:
    """Four seconds of load say nothing of ten: a window beyond it would call every scheduler slow."""
    found = throughput([0.1, 2.0, 3.0, 3.9], began=0.0, due=4.0, until=9.0, wanted=4)

    assert (found.windows, found.seconds) == ((1.0,), 4.0)
