"""From single outcomes to a state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.nodes.probes.outcome import ProbeKind, initial_threshold


@pytest.mark.parametrize(("kind", "healthy"), list(zip(ProbeKind, [None, True, False], strict=True)))
def test_before_the_first_outcome(kind: ProbeKind, *, healthy: bool | None) -> None:
    """Alive and not ready until shown otherwise; started is not known."""
    assert initial_threshold(kind, {}).healthy is healthy


def test_the_defaults_are_those_of_the_api() -> None:
    """One success, three failures."""
    threshold = initial_threshold(ProbeKind.READINESS, {})

    assert (threshold.success, threshold.failure) == (1, 3)


@pytest.mark.parametrize(
    ("outcomes", "states"),
    [
        pytest.param("ffff", "aadd", id="three failures in a row"),
        pytest.param("ffsff", "aaaaa", id="a success starts the count again"),
        pytest.param("fffsfss", "aadddda", id="two successes in a row bring it back"),
    ],
)
def test_failures_in_a_row(outcomes: str, states: str) -> None:
    """A liveness probe with failureThreshold 3 and successThreshold 2, outcome by outcome."""
    threshold = initial_threshold(ProbeKind.LIVENESS, {"failureThreshold": 3, "successThreshold": 2})
    seen = ""
    for outcome in outcomes:
        threshold = threshold.after(ok=outcome == "s")
        seen += "a" if threshold.healthy else "d"

    assert seen == states


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5), st.integers(1, 5))
def test_the_state_is_that_of_the_last_long_enough_row(outcomes: list[bool], success: int, failure: int) -> None:
    """Whatever the outcomes, by the definition of the thresholds."""
    threshold = initial_threshold(ProbeKind.READINESS, {"successThreshold": success, "failureThreshold": failure})
    expected = False
    for end in range(1, len(outcomes) + 1):
        threshold = threshold.after(ok=outcomes[end - 1])
        for ok, needed in ((True, success), (False, failure)):
            if end >= needed and outcomes[end - needed : end] == [ok] * needed:
                expected = ok

        assert threshold.healthy is expected
