"""The text report: for terminals of 80 columns and for the logs of CI."""

import re

import pytest
from hypothesis import given, settings

from autox.model.result import ExperimentResult
from autox.report.document import document
from autox.report.legible import columns
from autox.report.text import WIDTH, to_text
from tests.report.samples import density, every, failed, looped, slow_scheduler, without_data
from tests.report.strategies import results

_COLOUR = re.compile(r"\x1b\[\d+m")


@pytest.mark.parametrize("name", sorted(every()))
def test_fits(name: str) -> None:
    """No line is wider than 80 columns, and none ends in spaces."""
    lines = to_text(document(every()[name])).splitlines()

    assert max(map(columns, lines)) <= WIDTH
    assert [line for line in lines if line != line.rstrip()] == []


@settings(max_examples=30)
@given(results)
def test_any_result(result: ExperimentResult) -> None:
    """No result breaks a terminal: no control characters, no line too wide, colour or not."""
    text = to_text(document(result))
    painted = to_text(document(result), colour=True)

    assert text.encode()
    assert all(character.isprintable() or character in "\n\u200c\u200d" for character in text)
    assert max(map(columns, text.splitlines())) <= WIDTH
    assert _COLOUR.sub("", painted) == text


def test_verdict_first() -> None:
    """The first word is the verdict, the rest of the line says why."""
    assert to_text(document(failed())).startswith("Fail  http/latency-p99 is 976 ms, the upper limit is 50 ms;")


def test_story() -> None:
    """Of a run that failed, what broke, when, why and what to do next stand in the first lines of a terminal of 24."""
    lines = to_text(document(slow_scheduler())).splitlines()

    assert lines[0] == "Fail  2 of 3 SLOs not met: density/scheduling-throughput is 2.051/s, below the"
    assert [line.split("  ")[0] for line in lines[:14] if line[:1].isupper()] == ["Fail", "When", "Why", "What next"]
    assert "When       0.7 s into the load of task density" in lines


def test_slos() -> None:
    """Limit, observed value and distance stand beside each SLO."""
    assert "  Fail     http/latency-p99    ≤ 50 ms     976 ms    19.5x\n" in to_text(document(failed()))


def test_long_names() -> None:
    """A metric whose name takes the whole width is not cut: its figures go below it."""
    result = density()
    long = "density/api-call-latency-p99/POST/validatingwebhookconfigurations"
    slos = (
        *result.slos,
        *(
            type(each)(
                slo=type(each.slo)(metric=long, bound=each.slo.bound, limit=1),
                observed=2,
                unit="ms",
                verdict=each.verdict,
            )
            for each in result.slos[:1]
        ),
    )
    text = to_text(
        document(ExperimentResult(subject=result.subject, environment={}, started_at=result.started_at, slos=slos))
    )

    assert f"  Pass  {long}\n    2 ms, limit ≤ 1 ms, 2x\n" in text


def test_no_data() -> None:
    """Where there is no data, it says so and why."""
    text = to_text(document(without_data()))

    assert "NoData   no/such-metric" in text
    assert "no/such-metric has no value" in text


def test_loops() -> None:
    """Many loops are a line of signs, and those that did not pass are told one by one, the latest first."""
    text = to_text(document(looped()))

    assert "  ......FF..........E...?.......?.........\n" in text
    assert text.index("loop 31") < text.index("loop 8,") < text.index("loop 7,")
    assert "loop 9," not in text


def test_colour() -> None:
    """Colour is only where it is asked for, and only says again what a word says."""
    plain, painted = to_text(document(failed())), to_text(document(failed()), colour=True)

    assert "\x1b" not in plain
    assert painted.startswith("\x1b[31mFail\x1b[0m  ")
    assert _COLOUR.sub("", painted) == plain
