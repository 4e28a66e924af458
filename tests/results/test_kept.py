"""What an earlier autox has written is read as it was meant, and is what this one writes: clusters keep it for years.

``kept.json`` is of before the one document of an SLO: the status of a record, the Secret beside it, and the SLOs as
``autox history -o json`` printed them. Then, four types stood for one outcome, two writers and two readers.
"""

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autox.api.experiments import object_from_record
from autox.api.results import encoded, object_from_result, result_to_gzip
from autox.cli.parts.describing import described
from autox.model.result import SLO, Bound, SLOOutcome
from autox.model.verdict import Verdict
from autox.store.experiments import ReadExperiment, read_experiment
from autox.store.results import in_secret, in_status
from autox.store.runnerstatus import fitting, status_from_result
from tests.deciding.samples import record
from tests.results.samples import FULL

KEPT: dict[str, Any] = json.loads(Path(__file__).with_name("kept.json").read_text())
OUTCOMES = (
    *FULL.slos,
    SLOOutcome(
        slo=SLO(metric="http/latency-p99", bound=Bound.UPPER, limit=100.0),
        observed=None,
        unit="ms",
        verdict=Verdict.FAIL,
        message="http/latency-p99 is infinitely late",
    ),
    SLOOutcome(
        slo=SLO(metric="http/rate", bound=Bound.LOWER, limit=8.0),
        observed=None,
        unit="1/s",
        verdict=Verdict.NO_DATA,
        message="http/rate has no data: no request was sent",
    ),
    SLOOutcome(
        slo=SLO(metric="http/error-rate", bound=Bound.UPPER, limit=0.5),
        observed=0.25,
        unit="",
        verdict=Verdict.PASS,
        demanded_by="http",
    ),
    SLOOutcome(
        slo=SLO(metric="http/été", bound=Bound.UPPER, limit=1e-7),
        observed=1e300,
        unit="µs",
        verdict=Verdict.FAIL,
        message="x",
        demanded_by="density",
    ),
)
RESULT = replace(
    FULL,
    slos=OUTCOMES,
    verdict=Verdict.FAIL,
    reason="SLOsNotMet",
    message="http/latency-p99 is infinitely late",
    totals={"Fail": 1},
)


def read(status: dict[str, Any]) -> ReadExperiment:
    """A record with that status, as commands read it."""
    obj = object_from_record(record())
    obj["metadata"] |= {"creationTimestamp": "2026-01-01T00:00:00Z", "uid": "r"}
    return read_experiment({**obj, "status": {**status, "phase": "Completed"}})


def test_a_kept_result_is_read_as_it_was_meant() -> None:
    """From the status, from the list of SLOs in it, and from the Secret."""
    assert in_status(KEPT["status"]) == RESULT
    assert in_secret(KEPT["secret"]) == RESULT
    assert read(KEPT["status"]).slos == OUTCOMES


def test_what_is_written_now_is_what_was_written_then() -> None:
    """An older autox reads it, byte for byte; the compression alone may be another one on another machine."""
    result, is_whole = fitting(RESULT)
    packed = KEPT["secret"]["data"]["result.json.gz"]

    assert is_whole
    assert encoded({**status_from_result(RESULT), "result": result}) == encoded(KEPT["status"])
    assert gzip.decompress(base64.b64decode(packed)) == encoded(object_from_result(RESULT))
    assert gzip.decompress(result_to_gzip(RESULT)) == encoded(object_from_result(RESULT))
    assert json.dumps(described(read(KEPT["status"]))["slos"]) == json.dumps(KEPT["history"])


@pytest.mark.parametrize(
    "change",
    [{"verdict": "Error"}, {"verdict": "Pass", "observed": None}, {"limit": "100"}, {"limit": True}, {"metric": 7}],
    ids=str,
)
def test_what_was_never_written_is_no_outcome(change: dict[str, Any]) -> None:
    """In a status it is left out, as in a result it is refused: a Pass without data was shown as one."""
    slos = [KEPT["status"]["slos"][0] | change, KEPT["status"]["slos"][1]]

    assert read(KEPT["status"] | {"slos": slos}).slos == OUTCOMES[1:2]
