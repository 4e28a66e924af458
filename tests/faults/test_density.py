"""The planted faults of ``density``, in the quick form: all that share a control plane, side by side."""

from pathlib import Path

import pytest

from tests.clusters import LocalCluster
from tests.faults.components import ALONE
from tests.faults.density import IN_ITS_NAMESPACE
from tests.faults.planting import Fault, planted, side_by_side

pytestmark = pytest.mark.integration


async def test_faults_in_one_namespace(cluster: LocalCluster, tmp_path: Path) -> None:
    """None passes, and each verdict gives the true cause: all of these passed an SLO on API latency."""
    rows = await side_by_side([fault for fault in IN_ITS_NAMESPACE if fault.is_quick], cluster, tmp_path)

    assert {row.fault: f"{row.trouble} ({row.verdict}: {row.sentence})" for row in rows if row.trouble} == {}


@pytest.mark.parametrize("fault", [fault for fault in ALONE if fault.is_quick], ids=lambda fault: fault.name)
async def test_a_fault_of_the_whole_cluster(fault: Fault, cluster: LocalCluster, tmp_path: Path) -> None:
    """A scheduler that died after a good start kept its throughput, and the 17 pods that it left were not mentioned."""
    row = await planted(fault, cluster, tmp_path)

    assert row.trouble == "", f"{row.verdict}: {row.sentence}"
