"""The screen of ``autox nodes status``, from chosen figures."""

from dataclasses import replace

import pytest

from autox.cli.commands.nodetable import WIDEST, Look, screen
from autox.nodes.agent.figures import AgentFigures
from autox.nodes.provider import PodFigures
from tests.nodes.figures import agent_figures, lease_figures

ADDRESS = "127.0.0.1:8082"


FIGURES = agent_figures()


def look(figures: AgentFigures = FIGURES, *, address: str = ADDRESS) -> Look:
    """A look at an agent that answers."""
    return Look(address=address, figures=figures)


def later() -> Look:
    """The same agent two seconds later, and what it did meanwhile."""
    pods = PodFigures(waiting=10, running=20, ended=30, retried=4, writes=840, deletions=60, interruptions=1)
    figures = agent_figures(uptime_seconds=102.0, cpu_seconds=34.0, pods=pods, leases=lease_figures(renewals=5201))
    return look(figures)


def test_one_agent_on_one_screen() -> None:
    """How many nodes are ready, what their pods do, and what happens in a second since the last look."""
    assert screen([look()], [later()]).split("\n") == [
        "AGENT           NODES  READY  SILENT  WAITING  RUNNING  ENDED  RETRIED",
        "127.0.0.1:8082  1000   980    7       10       20       30     4",
        "",
        "AGENT           WRITES/S  LEASES/S  OLDEST  THROTTLED  CPU    MEMORY",
        "127.0.0.1:8082  125.0     100.5     9.5s    25         25.0%  88 MiB",
        "",
        "server https://10.0.0.1:6443 (mock, cheap)",
    ]


def test_the_first_look_has_no_rates() -> None:
    """A rate is never made up."""
    assert screen([], [look()]).split("\n")[4] == "127.0.0.1:8082  -         -         9.5s    25         -    88 MiB"


@pytest.mark.parametrize(
    "before",
    [
        Look(address=ADDRESS, trouble="nobody listens there"),
        look(agent_figures(uptime_seconds=102.0)),
        look(agent_figures(uptime_seconds=5000.0)),
        look(agent_figures(started=1.6e9)),
        look(address="127.0.0.1:9"),
    ],
    ids=["away", "no time has passed", "time went back", "restarted", "another"],
)
def test_an_agent_that_did_not_go_on_has_no_rates(before: Look) -> None:
    """No negative or endless rate after a restart."""
    assert screen([before], [later()]).split("\n")[4].split()[1:3] == ["-", "-"]


def test_several_agents_have_a_total() -> None:
    """Counts and rates are summed, the oldest lease is the oldest of all, and one that is away is no zero."""
    other = look(agent_figures(leases=lease_figures(oldest_seconds=31.0, expired=0)), address="10.1.2.3:8082")
    away = Look(address="10.1.2.4:8082", trouble="nobody listens there")
    lines = screen([look(), other, away], [later(), other, away]).split("\n")

    assert lines[1:5] == [
        "127.0.0.1:8082  1000   980    7       10       20       30     4",
        "10.1.2.3:8082   1000   983    7       10       20       30     4",
        "10.1.2.4:8082   -      -      -       -        -        -      -",
        "total           2000   1963   14      20       40       60     8",
    ]
    assert lines[9:11] == [
        "10.1.2.4:8082   -         -         -       -          -      -",
        "total           125.0     100.5     31.0s   50         25.0%  176 MiB",
    ]
    assert lines[12:] == ["server https://10.0.0.1:6443 (mock, cheap)", "10.1.2.4:8082: nobody listens there"]


def test_what_a_provider_does_not_count_is_not_shown_as_zero() -> None:
    """Pods of provider process, and leases before there are any."""
    figures = replace(agent_figures(leases=None, pods=None), provider="process", mode="")
    lines = screen([], [look(figures)]).split("\n")

    assert lines[1].split()[1:] == ["1000", "983", "7", "-", "-", "-", "-"]
    assert lines[4].split()[1:] == ["-", "-", "-", "25", "-", "88", "MiB"]
    assert lines[-1] == "server https://10.0.0.1:6443 (process)"


def test_it_fits_eighty_columns() -> None:
    """With the largest fleet, the longest address and the longest URL that there are."""
    pods = PodFigures(waiting=99_999, running=150_000, ended=99_999, retried=99_999, writes=10**7, deletions=10**7)
    nodes = replace(agent_figures().nodes, wanted=100_000, registered=100_000, silent=99_999)
    figures = replace(agent_figures(pods=pods, server=f"https://{'x' * 300}"), nodes=nodes, resident_bytes=9999 * 2**20)
    every = [
        look(figures, address=address)
        for address in ("255.255.255.255:65535", "agents-999.agents.some-namespace.svc.cluster.local:8082")
    ]
    every.append(Look(address="x" * 90, trouble="y" * 90))
    text = screen([], every)

    assert max(map(len, text.split("\n"))) <= WIDEST
    assert "\nagents-999.agents.so…" in text


def test_what_others_send_reaches_no_terminal_raw() -> None:
    """A name with an escape sequence is shown, not obeyed."""
    text = screen([], [look(agent_figures(server="https://a\x1b[2J\u202eb"))])

    assert "\x1b" not in text
    assert "\\x1b[2J\\u202eb" in text
