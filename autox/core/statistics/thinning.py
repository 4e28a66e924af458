"""Fewer points of a figure over time, so that what was extreme or unknown stays. Pure.

The time is cut into equal parts; of each there stay its least point, its greatest, and one that is unknown if there is
any. So every point that is left was measured, and at its time; a queue that was long for a moment of a day, or a
server that was away, is still seen, which is what one looks for after a load. Rejected: means of each part (a peak
goes, and a value is shown that never was), every n-th point (a peak goes, or not, by chance), largest triangles (they
keep the look of a line, and no promise).
"""

from collections.abc import Sequence

Point = tuple[float, float | None]
"""A time in seconds, and a value; None if it is not known."""

_OF_EACH = 3  # least, greatest, unknown


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """The same points if there are few enough; else the extreme ones of each part of the time, in order.

    Whatever is thinned twice has lost no extreme either time.

    Args:
        points: by time, ascending.
        most: how many are left at the most; 3 or more.
    """
    if len(points) <= most:
        return list(points)
    began, ended = points[0][0], points[-1][0]
    parts: list[list[Point]] = [[] for _ in range(most // _OF_EACH)]
    width = (ended - began) / len(parts) or 1.0
    for point in points:
        parts[min(int((point[0] - began) / width), len(parts) - 1)].append(point)
    return [point for part in parts for point in _extremes(part)]


def _extremes(part: Sequence[Point]) -> list[Point]:
    known = [(value, index) for index, (_, value) in enumerate(part) if value is not None]
    unknown = next(((index,) for index, (_, value) in enumerate(part) if value is None), ())
    kept = {index for _, index in (min(known), max(known))} if known else set[int]()
    return [part[index] for index in sorted(kept.union(unknown))]
