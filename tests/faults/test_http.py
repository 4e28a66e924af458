"""Servers that lie, die or stall, in a quick form: none ends in a Pass that it does not deserve, and each says why."""

import asyncio
from pathlib import Path

import pytest
import uvloop

from autox.model.verdict import Verdict
from tests.faults.http import all_told, faults
from tests.faults.table import printed
from tests.faults.webservers import Certificates

LEAST = 60
DOUBTFUL = 1 / 3
"""So many of them may be called Invalid, each time that they are tried, where this machine is busy otherwise."""


def test_faults_of_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server gets a verdict that its truth does not allow, nor a reason that is not its.

    Of those that fail requests several passed, and others were told to be too slow or short of our CPU.
    """
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    planted = faults(certificates)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(all_told(planted))

    assert len({fault.name for fault in planted}) == len(planted) >= LEAST
    wrong = [row for row in rows if row.trouble and row.verdict != Verdict.INVALID]
    assert not wrong, printed("http", wrong)
    doubtful = [row for row in rows if row.verdict == Verdict.INVALID]
    assert len(doubtful) <= DOUBTFUL * len(rows), printed("http", doubtful)
