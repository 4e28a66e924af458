"""Prometheus' text exposition format, written; ``prometheustext`` next door reads it. Pure.

Rejected: ``prometheus_client``, whose registries collect process-wide what here is a frozen value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(slots=True, kw_only=True)
class Family:
    """One metric and its samples.

    Attributes:
        name: with the base unit, and ``_total`` if it is a counter.
        kind: ``gauge`` or ``counter``.
        explanation: a line for people.
        samples: lines, complete.
    """

    name: str
    kind: str
    explanation: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, *, labels: str = "", time: str = "") -> None:
        """One more sample.

        Args:
            value: finite.
            labels: with their braces, as ``labelled`` gives them.
            time: a space and milliseconds since 1970; none for the time of the scrape.
        """
        self.samples.append(f"{self.name}{labels} {value!r}{time}\n")

    def text(self) -> str:
        """The lines of this metric."""
        return f"# HELP {self.name} {self.explanation}\n# TYPE {self.name} {self.kind}\n{''.join(self.samples)}"


def labelled(**labels: str) -> str:
    """Labels with their braces, sorted by name, their values escaped."""
    pairs = ",".join(f'{name}="{labels[name].translate(_ESCAPES)}"' for name in sorted(labels))
    return f"{{{pairs}}}"


def page(families: Iterable[Family]) -> str:
    """A whole page; metrics without samples are left out."""
    return "".join(family.text() for family in families if family.samples)
