"""What a reader is told to look at: every flag and every figure that is named is there."""

import re
import subprocess

import psutil
import pytest

from autox.api.tasks.density.kind import KIND
from autox.tasks.density.verdict import hints
from tests.clusters import LocalCluster

HINTS = {name: text for name, text in vars(hints).items() if name.isupper() and not name.startswith("_")}
COMPONENTS = {
    "FAIRNESS": "apiServer",
    "ETCD": "etcd",
    "CONTROLLER_MANAGER": "controllerManager",
    "SCHEDULER": "scheduler",
}
FLAG = re.compile(r"--[a-z-]+[a-z]")


@pytest.mark.parametrize("name", HINTS)
def test_every_figure_that_is_named_is_measured(name: str) -> None:
    """A hint that points to a figure which no result has leads nowhere."""
    for metric in re.findall(r"density/[a-z0-9/-]+", HINTS[name]):
        assert any(family.has(metric.removeprefix("density/")) for family in KIND.metrics), metric


@pytest.mark.integration
def test_every_flag_that_is_named_is_one_of_that_component(cluster: LocalCluster) -> None:
    """Asked of the components themselves, of the version that clusters have."""
    pids = cluster.pids()
    for part, component in COMPONENTS.items():
        named = {flag for name, text in HINTS.items() if name.startswith(part) for flag in FLAG.findall(text)}
        program = psutil.Process(pids[component]).exe()
        shown = subprocess.run([program, "--help"], check=True, capture_output=True, text=True)
        assert named
        assert named <= set(FLAG.findall(shown.stdout + shown.stderr)), component
    assert not [name for name, text in HINTS.items() if "--" in text and not name.startswith(tuple(COMPONENTS))]
