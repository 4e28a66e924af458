"""A strict reader of the Prometheus text format: whatever is not exactly right is an error."""

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?\d[-+.\de]*)(?: (\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line: its value, and its time in milliseconds if it has one."""

    value: float
    time: int | None


@dataclass(slots=True, kw_only=True)
class Family:
    """One metric: its type, and its samples by their labels."""

    kind: str
    samples: dict[tuple[tuple[str, str], ...], Sample] = field(default_factory=dict)

    def __getitem__(self, labels: tuple[str, ...]) -> Sample:
        """The sample with these values of labels, in the order of the labels' names."""
        return next(sample for key, sample in self.samples.items() if tuple(value for _, value in key) == labels)


def families(text: str) -> dict[str, Family]:
    """Every metric of a page, each with one HELP and one TYPE right before its samples, none twice.

    Raises:
        ValueError: not the text format.
    """
    if not text.endswith("\n"):
        raise ValueError("the last line does not end")
    found: dict[str, Family] = {}
    explained = current = ""
    for line in text[:-1].split("\n"):
        if match := re.fullmatch(rf"# HELP ({_NAME}) \S.*", line):
            explained = match[1]
        elif match := re.fullmatch(rf"# TYPE ({_NAME}) (counter|gauge)", line):
            current = match[1]
            if current != explained or current in found:
                raise ValueError(f"a type that stands alone or twice: {line}")
            found[current] = Family(kind=match[2])
        elif (match := _SAMPLE.fullmatch(line)) and match[1] == current:
            labels = tuple(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            if labels in found[current].samples or list(labels) != sorted(labels):
                raise ValueError(f"twice, or labels out of order: {line}")
            found[current].samples[labels] = Sample(value=float(match[3]), time=int(match[4]) if match[4] else None)
        else:
            raise ValueError(f"not a line of the format, or not where it belongs: {line!r}")
    return found
