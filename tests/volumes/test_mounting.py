"""Where a container finds its volumes: below its rootfs by mount path, and by rewriting."""

from pathlib import Path
from typing import Any

import pytest

from autox.kube.objects import Object
from autox.model.errors import StartError
from autox.nodes.process.volumes.mounting import MountSource, mount_container


@pytest.fixture
def places(tmp_path: Path) -> dict[str, MountSource]:
    """An emptyDir, a volume of files and a hostPath."""
    for name in ("data", "files", "host"):
        (tmp_path / name).mkdir()
    (tmp_path / "files" / "app.yaml").write_text("a: 1")
    return {
        "data": MountSource(tmp_path / "data"),
        "files": MountSource(tmp_path / "files", makes_folders=False),
        "host": MountSource(tmp_path / "host", takes_links=False),
    }


def container(*mounts: Object) -> Object:
    """A container with these mounts."""
    return {"name": "main", "volumeMounts": list(mounts)}


def mount(name: str, path: str, **more: Any) -> Object:
    """One mount."""
    return {"name": name, "mountPath": path, **more}


def test_mounts_are_found_by_their_paths(tmp_path: Path, places: dict[str, MountSource]) -> None:
    """Each mount path leads to its volume, below the rootfs as in the table for rewriting; again after a restart."""
    spec = container(mount("data", "/data/"), mount("files", "/etc/app"), mount("files", "/x.yaml", subPath="app.yaml"))

    shown = mount_container(tmp_path / "rootfs", spec, {}, places)
    again = mount_container(tmp_path / "rootfs", spec, {}, places)

    assert (
        shown
        == again
        == {
            "/data": str(tmp_path / "data"),
            "/etc/app": str(tmp_path / "files"),
            "/x.yaml": str(tmp_path / "files" / "app.yaml"),
        }
    )
    assert (tmp_path / "rootfs/etc/app/app.yaml").read_text() == "a: 1"
    assert (tmp_path / "rootfs/x.yaml").read_text() == "a: 1"


def test_mount_inside_a_mount(tmp_path: Path, places: dict[str, MountSource]) -> None:
    """A mount inside another is found through it, whichever comes first."""
    spec = container(mount("files", "/var/run/secrets/app"), mount("data", "/var/run"))

    mount_container(tmp_path / "rootfs", spec, {}, places)

    assert (tmp_path / "rootfs/var/run/secrets/app/app.yaml").read_text() == "a: 1"


def test_mount_inside_a_host_path(tmp_path: Path, places: dict[str, MountSource]) -> None:
    """Nothing is put into a user's folder: a mount inside a hostPath is reached by rewriting alone."""
    spec = container(mount("host", "/srv"), mount("files", "/srv/app"))

    shown = mount_container(tmp_path / "rootfs", spec, {}, places)

    assert shown["/srv/app"] == str(tmp_path / "files")
    assert list((tmp_path / "host").iterdir()) == []


def test_sub_paths(tmp_path: Path, places: dict[str, MountSource]) -> None:
    """A missing subPath is made, and subPathExpr takes variables of the container."""
    spec = container(
        mount("data", "/a", subPath="x/y"),
        mount("data", "/b", subPathExpr="$(POD)-$$(x)"),
        mount("data", "/c", subPath=""),
    )

    shown = mount_container(tmp_path / "rootfs", spec, {"POD": "web-0"}, places)

    data = tmp_path / "data"
    assert shown == {"/a": str(data / "x/y"), "/b": str(data / "web-0-$(x)"), "/c": str(data)}
    assert (data / "x/y").is_dir()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (mount("data", "/a", subPath="../files"), "leads out"),
        (mount("data", "/a", subPath="/etc"), "leads out"),
        (mount("data", "/a", subPath="link/x"), "leads out"),
        (mount("data", "/a", subPathExpr="$(NONE)/$(EMPTY)"), "missing value for EMPTY, NONE"),
        (mount("files", "/a", subPath="none.yaml"), "there is no 'none.yaml'"),
        (mount("none", "/a"), "has no volume"),
        (mount("data", "/"), "cannot mount a volume at '/'"),
        (mount("data", "/../.."), "cannot mount a volume at"),
    ],
)
def test_mounts_that_make_no_sense(tmp_path: Path, places: dict[str, MountSource], spec: Object, message: str) -> None:
    """What leads out of a volume, or is not there, is refused in words."""
    (tmp_path / "data" / "link").symlink_to("/etc")

    with pytest.raises(StartError, match=message) as caught:
        mount_container(tmp_path / "rootfs", container(spec), {"EMPTY": ""}, places)

    assert caught.value.reason == "CreateContainerConfigError"


def test_mount_path_over_a_file_of_a_volume(tmp_path: Path, places: dict[str, MountSource]) -> None:
    """A mount below what is a file in the outer volume is an error, not a crash."""
    spec = container(mount("files", "/etc/app"), mount("data", "/etc/app/app.yaml/x"))

    with pytest.raises(StartError, match="failed to mount the volumes of container main"):
        mount_container(tmp_path / "rootfs", spec, {}, places)
