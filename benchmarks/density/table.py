"""The table of docs/benchmarks.md: medians of each rig, and autox's driver beside the cheapest kube-burner (pure).

What is held against kube-burner is autox's driver alone, on nodes that autox serves in another process: kube-burner has
no nodes. What ``autox run`` costs as users have it, nodes and all, stands beside it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.density.drivers import Load
from benchmarks.density.running import Run
from benchmarks.nodes.table import Bar, Spread, comparison

OURS, PEER = "autox on autox", "kube-burner on "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        key: in the figures of a run.
        title: for people, with its unit.
        digits: how many after the point.
        bar: what is asked of autox beside the least of kube-burner's; None for nothing.
    """

    key: str
    title: str
    digits: int
    bar: Bar | None = None


HALF = Bar(at_most=1 / 2)

ROWS = (
    Row(key="driver_cpu", title="driver, CPU-s", digits=2, bar=HALF),
    Row(key="nodes_cpu", title="agent of the nodes, CPU-s", digits=2),
    Row(key="rig_cpu", title="both, CPU-s", digits=2),
    Row(key="rss", title="driver RSS, peak, MiB", digits=0),
    Row(key="ran", title="pods that ran", digits=0),
    Row(key="documented", title="pods documented by the driver", digits=0),
    Row(key="p99_seen", title="pod startup P99, seen by a watch apart, s", digits=2),
    Row(key="p99_told", title="pod startup P99, told by the driver, s", digits=2),
    Row(key="server_cpu", title="API server, CPU-s", digits=1),
    Row(key="wall", title="from the driver's start to its end, s", digits=0),
)


def spread(runs: Iterable[Run], *, rig: str, key: str) -> Spread | None:
    """A figure over the runs of one rig; None if no run gave it, or one gave nonsense."""
    return Spread.of([run.figures[key] for run in runs if run.rig == rig and key in run.figures])


def markdown(load: Load, runs: Sequence[Run]) -> str:
    """The table, with what was asked of every driver above it."""
    rigs = list(dict.fromkeys(run.rig for run in runs))
    others = [rig for rig in rigs if rig.startswith(PEER)]
    compared = OURS in rigs and bool(others)
    heads = [*rigs, *([f"{OURS} / least of kube-burner", "bar", ""] if compared else [])]
    lines = [f"{load}:", "", f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for row in ROWS:
        spreads = {rig: spread(runs, rig=rig, key=row.key) for rig in rigs}
        if any(spreads.values()):
            cells = [each.text(row.digits) if each else "" for each in spreads.values()]
            peer = _least(spreads[rig] for rig in others)
            cells += comparison(row.bar, spreads[OURS], peer) if compared else []
            lines.append(f"| {row.title} | {' | '.join(cells)} |")
    verdicts = [", ".join(dict.fromkeys(run.verdict for run in runs if run.rig == rig)) for rig in rigs]
    lines.append(f"| its verdict | {' | '.join([*verdicts, *([''] * 3 if compared else [])])} |")
    return "\n".join(lines)


def document(load: Load, runs: Iterable[Run]) -> dict[str, Any]:
    """All runs for ``-o json``."""
    return {
        "load": {"nodes": load.nodes, "deployments": load.deployments, "pods": load.pods, "rate": load.rate},
        "runs": [
            {
                "rig": run.rig,
                "figures": {key: value if math.isfinite(value) else None for key, value in run.figures.items()},
                "verdict": run.verdict,
            }
            for run in runs
        ],
    }


def _least(spreads: Iterable[Spread | None]) -> Spread | None:
    return min((each for each in spreads if each is not None), key=lambda each: each.median, default=None)
