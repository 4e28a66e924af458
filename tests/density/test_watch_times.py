"""How long the news of a change takes, by who wrote it and who watches."""

from math import inf

from autox.tasks.density.observation.watchtimes import WatchTimes


def test_news_takes_as_long_as_the_watcher_waits_for_it() -> None:
    """From the answer to the sight; what is seen before the answer took no time."""
    news = WatchTimes()
    news.seen(1, at=0.9)
    news.answered(1, at=1.0)
    news.answered(2, at=2.0)
    news.seen(2, at=2.25)

    assert news.latencies(at=9.0) == [0.0, 0.25]


def test_news_that_never_comes_is_infinitely_late() -> None:
    """A watch that is dead had the latency of its good days; what was written a moment ago may still come."""
    news = WatchTimes()
    news.answered(1, at=1.0)
    news.answered(2, at=8.5)

    assert news.latencies(at=9.0) == [inf]


def test_after_a_gap_the_latest_stands_for_all() -> None:
    """A watch that was interrupted shows the object as it is, and each change before that came as late."""
    news = WatchTimes()
    for number in (1, 2, 3):
        news.answered(number, at=float(number))
    news.seen(3, at=5.0)
    news.seen(2, at=6.0)

    assert news.latencies(at=9.0) == [2.0, 3.0, 4.0]


def test_a_change_that_nobody_answered_is_no_news() -> None:
    """A write that failed may have been done; when is not known."""
    news = WatchTimes()
    news.seen(1, at=1.0)

    assert news.latencies(at=9.0) == []
