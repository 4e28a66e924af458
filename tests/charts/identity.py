"""What the chart ``nodes`` makes for agents in the cluster that their nodes belong to, as its notes tell users."""

from tests.charts.rendering import ROOT
from tests.clusters import LocalCluster

CHART = ROOT / "charts" / "nodes"


def agent_kubeconfig(cluster: LocalCluster, release: str, *settings: str) -> str:
    """Install the identity of agents under a release name; the kubeconfig that it gives them."""
    server = cluster.status()["server"]
    identity = ("--set", "install=identity", "--set", f"server={server}")
    made = cluster.helm("install", release, str(CHART), *identity, *settings)
    assert made.code == 0, made.err
    cluster.kubectl("wait", f"secret/{release}", "--for=jsonpath={.data.token}", "--timeout=30s")
    template = f"go-template-file={CHART / 'kubeconfig.gotemplate'}"
    return cluster.kubectl("get", "secret", release, "-o", template)
