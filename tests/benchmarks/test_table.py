"""The table that the benchmark of virtual nodes prints."""

import json
import math
from dataclasses import replace

import pytest

from benchmarks.bench_nodes import agents_named
from benchmarks.nodes.audit import check
from benchmarks.nodes.cases import FULL, QUICK
from benchmarks.nodes.running import Run
from benchmarks.nodes.table import Bar, document, markdown, spread

SPREAD, ONE_NODE, LARGE, CHURN = FULL


def run_of(agent: str, figures: dict[str, float], *, case: str = "spread", pair: int = 0) -> Run:
    """A run that gave these figures."""
    return Run(case=case, agent=agent, pair=pair, figures=figures)


def row(text: str, title: str) -> list[str]:
    """The cells of a row of a table."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_medians_stand_beside_the_ratio_and_the_bar() -> None:
    """Over three pairs, with the least and the most."""
    runs = [run_of("autox", {"pods_cpu": value}, pair=n) for n, value in enumerate((0.2, 0.1, 0.3))]
    runs += [run_of("kwok", {"pods_cpu": value}, pair=n) for n, value in enumerate((1.0, 2.0, 1.5))]
    text = markdown(SPREAD, runs)

    assert text.startswith("### spread: 500 nodes, 5,000 pods spread\n")
    assert row(text, "agent CPU-s for 1,000 pods Running") == [
        "0.200 (0.100 to 0.300)",
        "1.500 (1.000 to 2.000)",
        "0.13",
        "≤ 1/5",
        "met",
    ]


def test_the_bar_depends_on_the_case() -> None:
    """A seventh is enough at 500 nodes and not at 5,000."""
    verdicts = {
        case.name: row(
            markdown(
                case,
                [run_of("autox", {"pods_cpu": 1.0}, case=case.name), run_of("kwok", {"pods_cpu": 7.0}, case=case.name)],
            ),
            "agent CPU-s for 1,000 pods Running",
        )[-2:]
        for case in (SPREAD, LARGE)
    }

    assert verdicts == {"spread": ["≤ 1/5", "met"], "large": ["≤ 1/8", "**missed**"]}


def test_a_bar_may_be_absolute_and_holds_for_the_worst_run_alike() -> None:
    """No lease of ours older than 15 s with 5,000 nodes, whatever KWOK's is."""
    runs = [run_of("autox", {"oldest_lease": 15.2}, case="large"), run_of("kwok", {"oldest_lease": 60.0}, case="large")]

    assert row(markdown(LARGE, runs), "oldest lease")[-2:] == ["≤ 15 s", "**missed**"]
    assert row(markdown(SPREAD, [replace(run, case="spread") for run in runs]), "oldest lease")[-2:] == ["", ""]


def test_one_agent_alone_is_not_compared() -> None:
    """The columns of the comparison are left out."""
    assert row(markdown(SPREAD, [run_of("autox", {"rss": 34.6})]), "agent RSS") == ["35"]


@pytest.mark.parametrize("missing", [{}, {"lease_cpu": math.nan}, {"lease_cpu": math.inf}])
def test_a_bar_is_not_met_by_a_figure_that_is_not_there(missing: dict[str, float]) -> None:
    """Neither by none nor by one that is no number."""
    text = markdown(SPREAD, [run_of("autox", missing), run_of("kwok", {"lease_cpu": 0.4})])

    assert row(text, "agent CPU-s for 1,000 leases") == ["", "0.400", "", "≤ 1/3", "not measured"]


def test_what_nobody_measured_has_no_row() -> None:
    """Deletions have no row in a case without any."""
    assert "deletions" not in markdown(CHURN, [run_of("autox", {"churn_cpu": 1.0}, case="churn")])


def test_the_audit_logs_verdict_stands_below() -> None:
    """One line for each log."""
    good = check(
        [b'{"verb": "update", "user": {"username": "agent"}, "objectRef": {"resource": "leases", "name": "n"}}'],
        user="agent",
        nodes={"n"},
        pods=(),
    )
    runs = [
        replace(run_of("autox", {"rss": 1.0}), audit=good),
        replace(run_of("autox", {"rss": 1.0}, pair=1), audit=replace(good, strange=1)),
    ]
    told = [line for line in markdown(SPREAD, runs).splitlines() if line.startswith("Audit")]

    assert [line.split(": ")[1] for line in told] == ["as it should be", "NOT CORRECT"]


@pytest.mark.parametrize(
    ("bar", "ours", "peer", "expected"),
    [
        (Bar(at_least=1), 300.0, 300.0, True),
        (Bar(at_least=1), 299.0, 300.0, False),
        (Bar(at_most=0.5), 0.5, 1.0, True),
        (Bar(at_most=0.5), 0.51, 1.0, False),
        (Bar(at_most=0.5), math.nan, 1.0, False),
        (Bar(absolute=15), 15.0, math.nan, True),
    ],
)
def test_a_bar_is_met_or_not(bar: Bar, ours: float, peer: float, expected: bool) -> None:  # noqa: FBT001  - a table
    """Just reaching it is enough."""
    assert bar.is_met(ours=ours, peer=peer) is expected


def test_bars_are_written_as_the_ratios_that_people_speak_of() -> None:
    """A fifth, no more, no less, seconds."""
    assert [str(bar) for bar in (Bar(at_most=1 / 5), Bar(at_most=1), Bar(at_least=1), Bar(absolute=15))] == [
        "≤ 1/5",
        "≤ 1",
        "≥ 1",
        "≤ 15 s",
    ]


def test_a_spread_is_over_the_runs_of_one_agent() -> None:
    """With an even number of runs the median lies between two."""
    found = spread(
        [run_of("autox", {"rss": 1.0}), run_of("autox", {"rss": 2.0}), run_of("kwok", {"rss": 9.0})],
        agent="autox",
        key="rss",
    )

    assert found is not None
    assert (found.median, found.least, found.most) == (1.5, 1.0, 2.0)


def test_the_document_is_plain_json() -> None:
    """What is no number is null, which JSON knows."""
    text = json.dumps(document([run_of("autox", {"rss": 1.0, "lease_cpu": math.nan})]), allow_nan=False)

    assert json.loads(text) == [
        {"case": "spread", "agent": "autox", "pair": 1, "figures": {"rss": 1.0, "lease_cpu": None}, "audit": None}
    ]


def test_cases_put_pods_where_they_say() -> None:
    """One after the other on all nodes, or all on one; later pairs are shorter and leave the tuned KWOK out."""
    assert [SPREAD.node_of(pod) for pod in (0, 1, 499, 500)] == [0, 1, 499, 0]
    assert {ONE_NODE.node_of(pod) for pod in range(ONE_NODE.pods)} == {0}
    assert (LARGE.idle(0), LARGE.idle(1)) == (600, 20)
    assert (CHURN.churning(0), CHURN.churning(1), SPREAD.churning(0)) == (6000, 400, 0)
    assert SPREAD.agents(0) == ("autox", "kwok", "kwok-16")
    assert SPREAD.agents(1) == ("autox", "kwok")
    assert {case.name for case in QUICK} < {case.name for case in FULL}


@pytest.mark.parametrize("name", ["", "kwok-", "kwok-0", "kwok-x", "kwok-٣", "Autox", "kwok-99999"])
def test_an_agent_that_is_none_is_refused(name: str) -> None:
    """Before anything is built or started."""
    with pytest.raises(SystemExit, match=r"--agents: .* is not made of autox"):
        agents_named(["autox", name])
