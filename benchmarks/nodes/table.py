"""The table of docs/benchmarks.md, with each bar beside what it is held against (pure)."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.nodes.cases import AGENTS, Case
from benchmarks.nodes.running import Run

OURS, PEER = AGENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What is asked of our median: at most, or at least, so many times the peer's; or at most an absolute value."""

    at_most: float | None = None
    at_least: float | None = None
    absolute: float | None = None

    def is_met(self, *, ours: float, peer: float) -> bool:
        """Whether it is; never if a figure is missing."""
        if self.absolute is not None:
            return ours <= self.absolute
        if self.at_least is not None:
            return ours >= self.at_least * peer
        return self.at_most is not None and ours <= self.at_most * peer

    def __str__(self) -> str:
        if self.absolute is not None:
            return f"≤ {self.absolute:g} s"
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        if self.at_most is not None and self.at_most < 1:
            return f"≤ 1/{1 / self.at_most:g}"
        return f"≤ {self.at_most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        key: in the figures of a run.
        title: for people, with its unit.
        digits: how many after the point.
        bar: what is asked; None for nothing.
        bars: what is asked in some cases, in place of ``bar``.
    """

    key: str
    title: str
    digits: int
    bar: Bar | None = None
    bars: Mapping[str, Bar] = field(default_factory=dict)

    def bar_in(self, case: str) -> Bar | None:
        """What is asked in a case."""
        return self.bars.get(case, self.bar)


NO_LESS, NO_MORE = Bar(at_least=1), Bar(at_most=1)
FIFTH, EIGHTH = Bar(at_most=1 / 5), {"large": Bar(at_most=1 / 8)}
QUARTER, THIRD, HALF = Bar(at_most=1 / 4), Bar(at_most=1 / 3), Bar(at_most=1 / 2)
NET = "leases taken off"

ROWS = (
    Row(key="nodes_rate", title="nodes registered a second", digits=0, bar=NO_LESS),
    Row(key="pods_rate", title="pods to Running a second", digits=0, bar=NO_LESS),
    Row(key="start_p50", title="pod startup P50, s", digits=3),
    Row(key="start_p99", title="pod startup P99, s", digits=3, bar=HALF),
    Row(key="deletes_rate", title="deletions a second", digits=0),
    Row(key="pods_cpu", title="agent CPU-s for 1,000 pods Running", digits=3, bar=FIFTH, bars=EIGHTH),
    Row(key="pods_cpu_net", title=f"the same, {NET}", digits=3, bar=FIFTH, bars=EIGHTH),
    Row(key="deletes_cpu", title="agent CPU-s for 1,000 deletions", digits=3, bar=QUARTER),
    Row(key="deletes_cpu_net", title=f"the same, {NET}", digits=3, bar=QUARTER),
    Row(key="churn_cpu", title="agent CPU-s for 1,000 pods made and deleted", digits=3),
    Row(key="churn_cpu_net", title=f"the same, {NET}", digits=3),
    Row(key="lease_cpu", title="agent CPU-s for 1,000 leases, idle", digits=3, bar=THIRD),
    Row(key="idle_cores", title="agent idle, cores", digits=4),
    Row(key="rss", title="agent RSS, peak, MiB", digits=0, bar=HALF),
    Row(key="pods_server_cpu_net", title=f"API server CPU-s for 1,000 pods, {NET}", digits=2, bar=NO_MORE),
    Row(key="deletes_server_cpu_net", title=f"API server CPU-s for 1,000 deletions, {NET}", digits=2),
    Row(key="churn_server_cpu_net", title=f"API server CPU-s for 1,000 pods, {NET}", digits=2, bar=NO_MORE),
    Row(key="lease_server_cpu", title="API server CPU-s for 1,000 leases, idle", digits=2),
    Row(key="status_writes", title="status writes for each pod", digits=2),
    Row(key="never_ran", title="pods deleted before they were seen Running", digits=0),
    Row(key="oldest_lease", title="oldest lease, s", digits=1, bars={"large": Bar(absolute=15)}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over the runs of one agent."""

    median: float
    least: float
    most: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """That of one figure; None if no run gave it, or one gave nonsense."""
        if not values or not all(map(math.isfinite, values)):
            return None
        return cls(median=statistics.median(values), least=min(values), most=max(values), runs=len(values))

    def text(self, digits: int) -> str:
        """``389 (350 to 410)``, and the figure alone where there was one run."""
        if self.runs == 1:
            return f"{self.median:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


def spread(runs: Iterable[Run], *, agent: str, key: str) -> Spread | None:
    """A figure of one agent; None if no run gave it, or one gave nonsense."""
    return Spread.of([run.figures[key] for run in runs if run.agent == agent and key in run.figures])


def markdown(case: Case, runs: Sequence[Run]) -> str:
    """One case: a heading, its table, and what the audit logs say."""
    mine = [run for run in runs if run.case == case.name]
    agents = list(dict.fromkeys(run.agent for run in mine))
    compared = OURS in agents and PEER in agents
    heads = [*agents, *([f"{OURS} / {PEER}", "bar", ""] if compared else [])]
    lines = [f"### {case.name}: {case.title}", "", f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for row in ROWS:
        spreads = {agent: spread(mine, agent=agent, key=row.key) for agent in agents}
        if any(spreads.values()):
            cells = [each.text(row.digits) if each else "" for each in spreads.values()]
            cells += comparison(row.bar_in(case.name), spreads[OURS], spreads[PEER]) if compared else []
            lines.append(f"| {row.title} | {' | '.join(cells)} |")
    audits = [
        f"Audit log, {run.agent}, pair {run.pair + 1}: {'as it should be' if run.audit.is_correct else 'NOT CORRECT'}: "
        f"{run.audit}."
        for run in mine
        if run.audit is not None
    ]
    return "\n".join([*lines, *(["", *audits] if audits else [])])


def comparison(bar: Bar | None, ours: Spread | None, peer: Spread | None) -> list[str]:
    """The cells that hold a figure of ours against a peer's: their ratio, what was asked, and whether it is met."""
    ratio = f"{ours.median / peer.median:.2f}" if ours and peer and peer.median else ""
    if bar is None:
        return [ratio, "", ""]
    if ours is None or peer is None:
        return [ratio, str(bar), "not measured"]
    return [ratio, str(bar), "met" if bar.is_met(ours=ours.median, peer=peer.median) else "**missed**"]


def document(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """All runs for ``-o json``."""
    return [
        {
            "case": run.case,
            "agent": run.agent,
            "pair": run.pair + 1,
            "figures": {key: value if math.isfinite(value) else None for key, value in run.figures.items()},
            "audit": None if run.audit is None else {"correct": run.audit.is_correct, "says": str(run.audit)},
        }
        for run in runs
    ]
