"""The kubelet endpoints of mock nodes in the file that sets up their agent."""

from pathlib import Path

import pytest

from autox.api.nodes import load_nodes_config
from autox.model.errors import ConfigurationError

CONFIG = """
provider: mock
mock: {{kubeconfig: virtual-nodes.kubeconfig, count: {count}}}
kubelet: {{address: {address}, port: {port}, certFile: a.crt, keyFile: a.key, clientCAFile: ca.crt}}
"""


def written(folder: Path, *, count: int, address: str, port: int) -> Path:
    """A file for so many mock nodes with endpoints from here on."""
    path = folder / "nodes.yaml"
    path.write_text(CONFIG.format(count=count, address=address, port=port))
    return path


def test_mock_nodes_may_have_endpoints(tmp_path: Path) -> None:
    """Each has a place of its own."""
    config = load_nodes_config(written(tmp_path, count=3, address="127.9.0.1", port=10350))

    assert config.kubelet is not None
    assert config.kubelet.place(2) == ("127.9.0.3", 10350)


@pytest.mark.parametrize(("address", "port"), [("127.255.255.250", 10250), ("10.1.2.3", 65530)])
def test_more_nodes_than_places_are_an_error(tmp_path: Path, address: str, port: int) -> None:
    """Where the configuration is made, not when the agent starts."""
    with pytest.raises(ConfigurationError, match=f"from {address}:{port} on leave no place for a node number 9"):
        load_nodes_config(written(tmp_path, count=10, address=address, port=port))
