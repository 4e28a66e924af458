"""What is decided and launched holds the values of charts, which may hold secrets."""

from autox.controller.groupsnapshot import Launchable
from autox.model.groups import ChartRef, ExperimentSpec

SECRET = {"password": "s3cret"}


def test_values_are_in_no_repr() -> None:
    """No log line and no traceback that shows a spec, or what is launched of it, shows its values."""
    chart = ChartRef(name="experiment", repo="", version="")
    spec = ExperimentSpec(name="load", chart=chart, values=SECRET)
    launchable = Launchable(chart=chart, values=SECRET, images=(), template="", targets=())

    assert "s3cret" not in f"{spec!r} {launchable!r}"
