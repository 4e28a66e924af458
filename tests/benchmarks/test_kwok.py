"""The peer that virtual nodes are measured against: which one it is, and how it is set up."""

import re
from pathlib import Path

import yaml

from benchmarks.kwok.obtaining import HERE, NAME, Kwok
from benchmarks.nodes.agents import Autox, KwokAgent, Setting


def test_the_peer_is_pinned_with_its_checksum() -> None:
    """By a Go tool directive, a version and a hash, so that everybody compares with the same program."""
    pins, sums = (HERE / "go.mod").read_text(), (HERE / "go.sum").read_text()

    assert re.search(rf"^tool {NAME}/cmd/kwok$", pins, re.MULTILINE)
    assert re.search(rf"^\s*{NAME} v0\.8\.0", pins, re.MULTILINE)
    assert re.search(rf"^{NAME} v0\.8\.0 h1:\S+$", sums, re.MULTILINE)


def test_more_workers_are_more_of_every_kind(tmp_path: Path) -> None:
    """Its stages stand below its options in one file, and leases last as long as ours."""
    stage = tmp_path / "stage.yaml"
    stage.write_text("kind: Stage\n")
    setting = Setting(kubeconfig=tmp_path / "kubeconfig", directory=tmp_path, nodes=2, lease_seconds=40)
    options = {}
    for parallelism in (4, 16):
        kwok = Kwok(program=Path("/bin/kwok"), stages=(stage,))
        command = KwokAgent(kwok, name="kwok", parallelism=parallelism).command(setting)
        configuration, *stages = yaml.safe_load_all(Path(command[command.index("--config") + 1]).read_text())
        options[parallelism] = configuration["options"]
        assert stages == [{"kind": "Stage"}]

    assert options[16] == options[4] | {key: 16 for key, value in options[4].items() if value == 4}
    assert sum(1 for value in options[16].values() if value == 16) == 3
    assert options[4]["nodeLeaseDurationSeconds"] == 40


def test_nodes_have_the_same_names_with_both(tmp_path: Path) -> None:
    """Ours makes them, the peer's are made for it."""
    kwok = KwokAgent(Kwok(program=Path("/bin/kwok"), stages=()), name="kwok", parallelism=4)
    setting = Setting(kubeconfig=tmp_path / "kubeconfig", directory=tmp_path, nodes=2, lease_seconds=40)
    file = Path(Autox().command(setting)[-1])
    node = kwok.node("virtual-0")

    assert Autox().node("virtual-0") is None
    assert node is not None
    assert node["metadata"]["name"] == "virtual-0"
    assert yaml.safe_load(file.read_text())["mock"] == {
        "kubeconfig": str(setting.kubeconfig),
        "mode": "cheap",
        "namePrefix": "virtual-",
        "count": 2,
        "nodeLeaseDurationSeconds": 40,
    }
