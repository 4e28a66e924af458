"""The control groups of a node, on directories in place of the kernel's."""

from pathlib import Path

import pytest

from autox.cluster.containerd import cgroups


def version_1(root: Path) -> Path:
    """A tree for each controller, as version 1 has it."""
    for controller in ("memory", "pids", "cpuset"):
        (root / controller).mkdir(parents=True)
        (root / controller / "cgroup.procs").write_text("")
    for file, value in {"cpuset.cpus": "0-1", "cpuset.mems": "0"}.items():
        (root / "cpuset" / file).write_text(value)
    (root / "unrelated").mkdir()
    return root


def version_2(root: Path) -> Path:
    """One tree for all controllers, as version 2 has it."""
    root.mkdir(exist_ok=True)
    (root / "cgroup.controllers").write_text("cpu memory\n")
    (root / "cgroup.subtree_control").write_text("")
    return root


def test_version_1_has_a_group_in_each_hierarchy(tmp_path: Path) -> None:
    """Pods find their group whatever is limited, and the cpuset lets processes in."""
    root = version_1(tmp_path)
    cgroups.make("autox-x", root=root)

    assert {path.parent.name for path in root.glob("*/autox-x")} == {"memory", "pids", "cpuset"}
    assert (root / "cpuset" / "autox-x" / "cpuset.cpus").read_text() == "0-1"
    assert not (root / "unrelated" / "autox-x").exists()


def test_pods_are_not_starved_by_a_busy_control_plane(tmp_path: Path) -> None:
    """All pods together weigh more than a single thread outside of them, in both versions."""
    first, second = version_1(tmp_path / "1"), version_2(tmp_path / "2")
    (first / "cpu" / "autox-x").mkdir(parents=True)
    (first / "cpu" / "cgroup.procs").write_text("")
    (first / "cpu" / "autox-x" / "cpu.shares").write_text("1024")
    (second / "autox-x").mkdir()
    (second / "autox-x" / "cpu.weight").write_text("100")
    for root in (first, second):
        cgroups.make("autox-x", root=root)

    assert (first / "cpu" / "autox-x" / "cpu.shares").read_text() == "16384"
    assert (second / "autox-x" / "cpu.weight").read_text() == "1600"


def test_version_2_hands_its_controllers_down(tmp_path: Path) -> None:
    """Limits hold on machines of today, too."""
    root = version_2(tmp_path)
    cgroups.make("autox-x", root=root)

    assert (root / "autox-x").is_dir()
    assert (root / "cgroup.subtree_control").read_text() == "+cpu +memory"


@pytest.mark.parametrize("tree", [version_1, version_2])
def test_removal_takes_what_is_below(tree, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  - table
    """Nothing of the node is left, however deep its pods made groups, and nothing else is touched."""
    root = tree(tmp_path / "root")
    hierarchy = root if tree is version_2 else root / "memory"
    (hierarchy / "autox-x" / "kubepods" / "pod1" / "container").mkdir(parents=True)
    (hierarchy / "autox-y").mkdir()

    assert cgroups.remove("autox-x", root=root) == []
    assert not (hierarchy / "autox-x").exists()
    assert (hierarchy / "autox-y").is_dir()


def test_what_will_not_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that a living process is in is named, and not waited for without end."""
    monkeypatch.setattr(cgroups, "REMOVING_SECONDS", 0.0)
    root = version_2(tmp_path / "root")
    (root / "autox-x").mkdir()
    (root / "autox-x" / "busy").write_text("")  # rmdir refuses, as the kernel does for a group with a process

    assert cgroups.remove("autox-x", root=root) == [root / "autox-x"]


def test_nothing_to_remove(tmp_path: Path) -> None:
    """A machine that never had such a node has nothing to clean up, also without control groups."""
    assert cgroups.remove("autox-x", root=tmp_path / "absent") == []
