"""Cron schedules as Kubernetes reads them: five fields, or ``@hourly`` and the like; no seconds, no time zone.

One regular expression, for Helm checks schedules by it too: it knows the range of each field. What it cannot know,
a range that runs backwards, is found by ``is_schedule``.
"""

import re

_MONTHS = "[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][Rr]|[Aa][Pp][Rr]|[Mm][Aa][Yy]|[Jj][Uu][Nn]|[Jj][Uu][Ll]|[Aa][Uu][Gg]"
_MONTHS += "|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc]"
_DAYS = "[Ss][Uu][Nn]|[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]"
_VALUES = (
    "[0-5]?[0-9]",  # minute
    "[01]?[0-9]|2[0-3]",  # hour
    "0?[1-9]|[12][0-9]|3[01]",  # day of the month
    f"0?[1-9]|1[0-2]|{_MONTHS}",  # month
    f"[0-6]|{_DAYS}",  # day of the week; Kubernetes knows no 7
)


def _field(value: str) -> str:
    part = rf"(\*|\?|({value})(-({value}))?)(/[1-9][0-9]*)?"
    return f"{part}(,{part})*"


_NAMED = "@(yearly|annually|monthly|weekly|daily|midnight|hourly)"
_EVERY = r"@every ([0-9]+(\.[0-9]+)?(s|m|h))+"
PATTERN = f"{' +'.join(_field(value) for value in _VALUES)}|{_NAMED}|{_EVERY}"
"""What a schedule looks like: a regular expression that Go, JSON Schema and Python read alike."""

_SCHEDULE = re.compile(PATTERN, re.ASCII)
_RANGE = re.compile(r"(?<![0-9])([0-9]+)-([0-9]+)")


def is_schedule(text: str) -> bool:
    """Whether a CronJob of Kubernetes takes this schedule."""
    return _SCHEDULE.fullmatch(text) is not None and all(int(low) <= int(high) for low, high in _RANGE.findall(text))
