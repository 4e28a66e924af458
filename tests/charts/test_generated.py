"""The files that are generated from the models are the ones in the tree."""

from pathlib import Path

import pytest
import yaml

from autox import __version__
from autox.api.schemas import generated

CHARTS = Path(__file__).parents[2] / "charts"


@pytest.mark.parametrize("path", generated())
def test_no_drift(path: str) -> None:
    """A change of the models comes with its files: run `python -m autox.api.schemas`."""
    assert (CHARTS / path).read_text() == generated()[path]


@pytest.mark.parametrize("chart", ["autox", "experiment", "nodes"])
def test_versions(chart: str) -> None:
    """The charts have the version of the package, and run the image of that version."""
    found = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text())

    assert (found["name"], found["version"], found["appVersion"]) == (chart, __version__, __version__)
