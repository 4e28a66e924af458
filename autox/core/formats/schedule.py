"""Cron schedules as Kubernetes reads them, which is as the Go library robfig/cron 3.0.1 does: what a CronJob takes.

Three answers are told apart. The API server refuses a text that is no schedule: a range that runs backwards, ``7`` for
Sunday, a time zone. It takes others whose time never comes, such as the 31st of February, and its controller then says
so in an Event that nobody reads; those are found by looking ahead as far as that controller does, five years. And it
takes intervals of less than a minute, which run once a minute, for the Jobs of a CronJob are named by their minute.

Rejected: the cron readers among our dependencies. APScheduler's week begins on Monday, and it wants day of the month
*and* day of the week where Kubernetes wants one of them. ``tests/kube/test_schedules.py`` asks a real API server.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HORIZON = timedelta(days=5 * 365 + 1)
"""As far ahead as a CronJob's next time is looked for."""

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_SPACE = " \t\n\v\f\r\x85\xa0"
_MOST_NANOSECONDS = 2**63 - 1
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,  # NB: another letter than the one above; Go knows both
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(rf"([0-9]*)(?:\.([0-9]*))?({'|'.join(_UNITS)})")


def _numbered(words: str, start: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), start)}


@dataclass(frozen=True, slots=True)
class _Bounds:
    least: int
    most: int
    names: Mapping[str, int]


_MINUTE, _HOUR, _DAY = _Bounds(0, 59, {}), _Bounds(0, 23, {}), _Bounds(1, 31, {})
_MONTH = _Bounds(1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1))
_WEEKDAY = _Bounds(0, 6, _numbered("sun mon tue wed thu fri sat", 0))


@dataclass(frozen=True, slots=True)
class _Field:
    """The values of a field, and whether it was left open by a star."""

    values: frozenset[int]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Times:
    """Five fields. Where neither day is left open, one of them is enough."""

    minute: _Field
    hour: _Field
    day: _Field
    month: _Field
    weekday: _Field

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in its own time zone; None if none comes within five years."""
        if not (self.minute.values and self.hour.values):
            return None
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        while day <= moment + HORIZON:
            if self._has(day):
                for hour in sorted(self.hour.values):
                    for minute in sorted(self.minute.values):
                        if (found := day.replace(hour=hour, minute=minute)) >= start:
                            return found
            day += timedelta(days=1)
        return None

    def _has(self, day: datetime) -> bool:
        in_month, in_week = day.day in self.day.values, day.isoweekday() % 7 in self.weekday.values
        both = self.day.is_open or self.weekday.is_open
        return day.month in self.month.values and (in_month and in_week if both else in_month or in_week)


@dataclass(frozen=True, slots=True)
class Every:
    """An interval, in whole seconds."""

    interval: timedelta

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment that is itself one, or the beginning; None if none comes within five years."""
        return moment + self.interval if self.interval <= HORIZON else None


def parse(text: str) -> Times | Every:
    """Read a schedule that the API server takes.

    Raises:
        ValueError: it would not take it; says what a schedule must be, and repeats nothing of the text.
    """
    if "TZ" in text:
        raise ValueError("must not name a time zone")
    if text.startswith(_EVERY):
        return Every(_interval(text.removeprefix(_EVERY)))
    if text.startswith("@"):
        if text not in _NAMED:
            raise ValueError(f"must be one of {', '.join(_NAMED)}, {_EVERY}1h30m, or five fields")
        text = _NAMED[text]
    fields = re.split(f"[{_SPACE}]+", text.strip(_SPACE))
    bounds = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
    if len(fields) != len(bounds):
        raise ValueError("must have five fields: minute, hour, day of the month, month, day of the week")
    return Times(*(_field(field, each) for field, each in zip(fields, bounds, strict=True)))


def flaw(text: str) -> str:
    """Why no CronJob would run by this schedule as it says; empty if one would. Begins with a verb."""
    try:
        schedule = parse(text)
    except ValueError as error:
        return str(error)
    if isinstance(schedule, Every) and schedule.interval < timedelta(minutes=1):
        return "must not come more often than once a minute: a CronJob would run once a minute all the same"
    # NB: there is a 29th of February within five years of this one.
    if schedule.after(datetime(2024, 3, 1)) is None:  # noqa: DTZ001  - any moment of any zone
        return "must come at some time: no CronJob would ever run by it within five years"
    return ""


def _field(text: str, bounds: _Bounds) -> _Field:
    parts = [_part(each, bounds) for each in text.split(",") if each]
    return _Field(frozenset[int]().union(*(each.values for each in parts)), any(each.is_open for each in parts))


def _part(text: str, bounds: _Bounds) -> _Field:
    whole, *steps = text.split("/")
    low, *high = whole.split("-")
    if is_open := low in ("*", "?"):
        start, end = bounds.least, bounds.most  # NB: whatever follows a star is not even read: "*-5" is "*".
    else:
        start = _value(low, bounds)
        if len(high) > 1:
            raise ValueError("must not have a range of three ends")
        end = _value(high[0], bounds) if high else bounds.most if steps else start
    if len(steps) > 1:
        raise ValueError("must not have two steps in one range")
    step = _whole(steps[0]) if steps else 1
    if step == 0:
        raise ValueError("must have steps of at least 1")
    if start < bounds.least or end > bounds.most:
        raise ValueError(f"must have values from {bounds.least} to {bounds.most} in this field")
    if start > end:
        raise ValueError("has a range that runs backwards")
    return _Field(frozenset(range(start, end + 1, step)), is_open and step == 1)


def _value(text: str, bounds: _Bounds) -> int:
    known = bounds.names.get(text.lower())
    return _whole(text) if known is None else known


def _whole(text: str) -> int:
    if not re.fullmatch(r"\+?[0-9]+", text) or int(text) > _MOST_NANOSECONDS:
        raise ValueError("must have whole numbers, or names of months and days, in its fields")
    return int(text)


def _interval(text: str) -> timedelta:
    """A duration as Go reads it, cut to whole seconds; what is shorter than one second is one."""
    is_negative, text = text.startswith("-"), text[1:] if text[:1] in ("-", "+") else text
    nanoseconds, rest = 0, "" if text == "0" else text
    while match := _PART.match(rest):
        whole, fraction, unit = match[1], match[2] or "", match[3]
        if not whole and not fraction:
            break
        nanoseconds += int(f"{whole}{fraction}") * _UNITS[unit] // 10 ** len(fraction)
        rest = rest[match.end() :]
    if rest or not text:
        raise ValueError(f"must have a duration such as 90s or 1h30m after {_EVERY.strip()}")
    if nanoseconds > _MOST_NANOSECONDS:
        raise ValueError("must be an interval of less than 292 years")
    return timedelta(seconds=1 if is_negative else max(nanoseconds // 10**9, 1))


def _pattern_of(value: str) -> str:
    """One field: a comma-separated list, in which empty places count for nothing."""
    number = rf"\+?0*({value})"
    part = rf"([*?](-[^,/ \t\r\n]*)?|{number}(-{number})?)(/\+?0*[1-9][0-9]{{0,17}})?"
    return f",*{part}(,+{part})*,*"


def _any_case(words: Iterable[str]) -> str:
    return "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in words)


_VALUES = (
    "[0-5]?[0-9]",  # minute
    "1?[0-9]|2[0-3]",  # hour
    "[1-9]|[12][0-9]|3[01]",  # day of the month
    f"[1-9]|1[0-2]|{_any_case(_MONTH.names)}",  # month
    f"[0-6]|{_any_case(_WEEKDAY.names)}",  # day of the week; Kubernetes knows no 7
)
_GAP = "[ \t\r\n]"
_DURATION = r"[-+]?([0-9]+(\.[0-9]*)?(ns|us|ms|s|m|h)|\.[0-9]+(ns|us|ms|s|m|h))+"
PATTERN = f"{_GAP}*{f'{_GAP}+'.join(map(_pattern_of, _VALUES))}{_GAP}*|{'|'.join(_NAMED)}|{_EVERY}{_DURATION}"
"""What a schedule looks like: a regular expression that Go, JSON Schema and Python read alike.

It knows the range of each field. What it cannot know, a range of numbers that runs backwards, is found by ``parse``.
"""


def _backwards(names: Mapping[str, int]) -> str:
    words = list(names)
    return "|".join(
        f"({_any_case(words[place : place + 1])})-({_any_case(words[:place])})" for place in range(1, len(words))
    )


BACKWARDS = f"([^@]*[^A-Za-z])?({_backwards(_MONTH.names)}|{_backwards(_WEEKDAY.names)})([^A-Za-z].*)?"
"""Ranges of names that run backwards, such as FRI-MON."""

_WORD = "[^ \t\r\n]+"


def _never(days: str, months: str) -> str:
    """Any minute, any hour, days that these months have not, and no day of the week."""
    fields = (_WORD, _WORD, f"({days})(,({days}))*", f"({months})(,({months}))*", r"[*?](/\+?0*1)?")
    return f"{_GAP}*{f'{_GAP}+'.join(fields)}{_GAP}*"


_FEBRUARY = "0?2|[Ff][Ee][Bb]"
_SHORT = f"0?[469]|11|[Aa][Pp][Rr]|[Jj][Uu][Nn]|[Ss][Ee][Pp]|[Nn][Oo][Vv]|{_FEBRUARY}"
NEVER = f"{_never('3[01]|30-31', _FEBRUARY)}|{_never('31', _SHORT)}"
"""Days that no month has, as they are mostly written: all that Helm can know of times that never come."""

TOO_OFTEN = rf"{_EVERY}(-.*|\+?0*([0-5]?[0-9](\.[0-9]*)?s|[0-9]{{1,4}}ms|[0-9]{{1,7}}us|[0-9]{{1,10}}ns))"
"""Intervals of less than a minute, as they are mostly written."""
