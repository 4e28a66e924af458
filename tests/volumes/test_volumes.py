"""The volumes of a pod: what is in them, what their containers see, and how changes arrive."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from autox.kube.objects import Object
from autox.model.errors import StartError, UnreachableError, UnsupportedError
from autox.nodes.process.volumes.downward import PodFacts
from autox.nodes.process.volumes.podvolumes import PodVolumes
from autox.nodes.process.volumes.sources import Sources
from tests.environment.clusterdata import ClusterData, facts_of


@pytest.fixture
def cluster() -> ClusterData:
    """A Secret and a ConfigMap with binary data."""
    data = ClusterData()
    data.secret("keys", {"user": b"me", "key": b"\x00\xff"})
    data.config_map("settings", {"app.yaml": "a: 1"}, binaryData={"logo": "AP8="})
    return data


class Scene:
    """One pod with its volumes, on a clock that a test turns."""

    def __init__(self, folder: Path, cluster: ClusterData) -> None:
        self.folder = folder
        self.cluster = cluster
        self.monotonic = 0.0
        sources = Sources(cluster, clock=lambda: self.monotonic)
        self.volumes = PodVolumes(folder, sources, clock=lambda: cluster.now)

    def pass_time(self, seconds: float) -> None:
        """Turn both clocks."""
        self.monotonic += seconds
        self.cluster.now += seconds

    def pod(self, *volumes: Object, **metadata: Any) -> PodFacts:
        """A pod whose one container mounts each volume below /mnt."""
        mounts = [{"name": volume["name"], "mountPath": f"/mnt/{volume['name']}"} for volume in volumes]
        resources = {"limits": {"cpu": "500m"}}
        containers = [{"name": "main", "volumeMounts": mounts, "resources": resources}]
        return facts_of(metadata=metadata, volumes=list(volumes), containers=containers)

    def at(self, volume: str) -> Path:
        """Where a volume's files are."""
        return self.folder / "volumes" / volume


@pytest.fixture
def scene(tmp_path: Path, cluster: ClusterData) -> Scene:
    """A pod that has no folder yet."""
    return Scene(tmp_path / "pods" / "uid-1", cluster)


def content(folder: Path) -> dict[str, bytes]:
    """The visible files of a volume."""
    found = [Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names]
    visible = [path for path in found if not path.relative_to(folder).parts[0].startswith("..")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in visible}


def mode(path: Path) -> int:
    """Its permissions."""
    return path.stat().st_mode & 0o7777


async def test_secret_and_config_map(scene: Scene) -> None:
    """All keys, or the chosen items under their paths, with the modes asked for."""
    items = [{"key": "user", "path": "login/name", "mode": 0o400}]
    pod = scene.pod(
        {"name": "s", "secret": {"secretName": "keys", "defaultMode": 0o440}},
        {"name": "c", "configMap": {"name": "settings"}},
        {"name": "i", "secret": {"secretName": "keys", "items": items}},
    )

    await scene.volumes.prepare(pod)

    assert content(scene.at("s")) == {"user": b"me", "key": b"\x00\xff"}
    assert content(scene.at("c")) == {"app.yaml": b"a: 1", "logo": b"\x00\xff"}
    assert content(scene.at("i")) == {"login/name": b"me"}
    assert mode(scene.at("s") / "user") == 0o440
    assert mode(scene.at("c") / "logo") == 0o644
    assert mode(scene.at("i") / "login" / "name") == 0o400


async def test_nobody_else_can_look_inside(scene: Scene) -> None:
    """The folders above the files of a volume are closed to other users."""
    await scene.volumes.prepare(scene.pod({"name": "s", "secret": {"secretName": "keys"}}))

    assert mode(scene.at("s")) == 0o700


async def test_projected(scene: Scene) -> None:
    """The volume of every pod: a token, a CA bundle and a namespace in one folder."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607, "audience": "vault"}},
        {"configMap": {"name": "settings", "items": [{"key": "app.yaml", "path": "ca.crt"}]}},
        {"secret": {"name": "keys", "optional": True}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]

    await scene.volumes.prepare(scene.pod({"name": "p", "projected": {"sources": sources, "defaultMode": 0o400}}))

    assert content(scene.at("p")) == {
        "token": b"token-1",
        "ca.crt": b"a: 1",
        "user": b"me",
        "key": b"\x00\xff",
        "namespace": b"ns",
    }
    ((namespace, account, request),) = scene.cluster.tokens
    assert (namespace, account) == ("ns", "robot")
    assert request["spec"] == {
        "audiences": ["vault"],
        "expirationSeconds": 3607,
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "uid-1"},
    }


async def test_downward_api(scene: Scene) -> None:
    """Labels, annotations and resources as files."""
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {
            "path": "cpu",
            "mode": 0o600,
            "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"},
        },
    ]
    volume = {"name": "d", "downwardAPI": {"items": items}}

    await scene.volumes.prepare(scene.pod(volume, labels={"b": "2", "a": "1"}))
    assert content(scene.at("d")) == {"labels": b'a="1"\nb="2"', "cpu": b"500"}
    assert mode(scene.at("d") / "cpu") == 0o600

    assert await scene.volumes.refresh(scene.pod(volume, labels={"a": "3"}))
    assert content(scene.at("d"))["labels"] == b'a="3"'


async def test_changes_arrive(scene: Scene) -> None:
    """A changed Secret reaches the files at the next refresh, removed keys included; a link to it stays good."""
    pod = scene.pod({"name": "s", "secret": {"secretName": "keys"}})
    await scene.volumes.prepare(pod)
    shown = Path(scene.volumes.mount(pod.pod["spec"]["containers"][0], {})["/mnt/s"])
    assert not await scene.volumes.refresh(pod)

    scene.cluster.secret("keys", {"user": b"you", "new": b"1"})
    scene.pass_time(60)

    assert await scene.volumes.refresh(pod)
    assert content(shown) == {"user": b"you", "new": b"1"}


async def test_immutable_is_read_once(scene: Scene) -> None:
    """An immutable Secret is not asked for again, and a successor of the same name does not slip in."""
    scene.cluster.secret("keys", {"user": b"me"}, immutable=True)
    pod = scene.pod({"name": "s", "secret": {"secretName": "keys"}})
    await scene.volumes.prepare(pod)

    scene.cluster.secret("keys", {"user": b"somebody else"}, immutable=True)
    scene.pass_time(60)

    assert not await scene.volumes.refresh(pod)
    assert scene.cluster.reads == ["keys"]


async def test_optional_source_may_come_later(scene: Scene) -> None:
    """What is optional and missing gives an empty volume, which fills once it is there."""
    pod = scene.pod({"name": "s", "secret": {"secretName": "later", "optional": True}})
    await scene.volumes.prepare(pod)
    assert content(scene.at("s")) == {}

    scene.cluster.secret("later", {"a": b"1"})
    scene.pass_time(60)

    assert await scene.volumes.refresh(pod)
    assert content(scene.at("s")) == {"a": b"1"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "x", "path": "x"}]}},
            "references non-existent secret key: x",
        ),
        ({"configMap": {"name": "settings", "items": [{"key": "x", "path": "x"}]}}, "non-existent configmap key: x"),
        ({"secret": {"secretName": "keys", "items": [{"key": "user", "path": "../x"}]}}, "invalid path"),
        (
            {"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "status.podIP"}}]}},
            "unsupported fieldPath",
        ),
        ({"downwardAPI": {"items": [{"path": "x", "resourceFieldRef": {"resource": "limits.cpu"}}]}}, "not found"),
        ({"hostPath": {"path": "/no/such", "type": "Directory"}}, "hostPath type check failed: /no/such"),
    ],
)
async def test_what_is_missing_is_named(scene: Scene, source: Object, message: str) -> None:
    """A volume that cannot be made says which and why, in the kubelet's words."""
    with pytest.raises(StartError, match=message) as caught:
        await scene.volumes.prepare(scene.pod({"name": "v", **source}))

    assert caught.value.message.startswith('MountVolume.SetUp failed for volume "v" : ')
    assert caught.value.reason == "FailedMount"


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ({"persistentVolumeClaim": {"claimName": "x"}}, "persistentVolumeClaim"),
        ({"csi": {"driver": "x"}}, "csi"),
        ({"ephemeral": {}}, "ephemeral"),
        ({"image": {"reference": "x"}}, "image"),
        ({"projected": {"sources": [{"clusterTrustBundle": {"path": "x"}}]}}, "clusterTrustBundle"),
    ],
)
async def test_unsupported_kinds_are_named(scene: Scene, source: Object, word: str) -> None:
    """A kind of volume that a process node does not offer is refused by name."""
    with pytest.raises(UnsupportedError, match=f'volume "v" : .*{word}'):
        await scene.volumes.prepare(scene.pod({"name": "v", **source}))


async def test_volume_that_nobody_mounts_is_not_made(scene: Scene) -> None:
    """A volume without a mount needs no source, as with a kubelet."""
    await scene.volumes.prepare(facts_of(volumes=[{"name": "v", "csi": {}}], containers=[{"name": "main"}]))


async def test_failed_refresh_keeps_what_there_was(scene: Scene) -> None:
    """A Secret that cannot be read for a while leaves its files, and the other volumes are refreshed."""
    pod = scene.pod(
        {"name": "s", "secret": {"secretName": "keys"}},
        {"name": "d", "downwardAPI": {"items": [{"path": "uid", "fieldRef": {"fieldPath": "metadata.uid"}}]}},
    )
    await scene.volumes.prepare(pod)
    scene.cluster.fail = UnreachableError("no answer")
    scene.pass_time(60)
    pod.pod["metadata"]["uid"] = "uid-2"

    with pytest.raises(StartError, match="no answer"):
        await scene.volumes.refresh(pod)

    assert content(scene.at("s"))["user"] == b"me"
    assert content(scene.at("d")) == {"uid": b"uid-2"}


async def test_token_is_replaced_in_time(scene: Scene) -> None:
    """A token is replaced after four fifths of its life; faults keep the old one for as long as it is good."""
    pod = scene.pod({"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}})
    await scene.volumes.prepare(pod)
    scene.pass_time(3600 * 0.8 - 11)
    assert not await scene.volumes.refresh(pod)

    scene.pass_time(11)
    scene.cluster.fail = UnreachableError("no answer")
    assert not await scene.volumes.refresh(pod)
    scene.cluster.fail = None
    assert await scene.volumes.refresh(pod)

    assert content(scene.at("p")) == {"token": b"token-2"}
    scene.cluster.fail = UnreachableError("no answer")
    scene.pass_time(3601)
    with pytest.raises(StartError, match="failed to fetch token: no answer"):
        await scene.volumes.refresh(pod)


async def test_empty_dir_survives_a_restart(scene: Scene) -> None:
    """An emptyDir is writable, and keeps its files when the node prepares the pod again."""
    pod = scene.pod({"name": "e", "emptyDir": {}})
    await scene.volumes.prepare(pod)
    (scene.at("e") / "file").write_text("kept")

    again = Scene(scene.folder, scene.cluster)
    await again.volumes.prepare(pod)

    assert content(scene.at("e")) == {"file": b"kept"}
    assert mode(scene.at("e")) == 0o777


@pytest.mark.parametrize("kind", ["", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice"])
async def test_host_path_types(scene: Scene, tmp_path: Path, kind: str) -> None:
    """Each type accepts what it says, and makes it where it may."""
    path = {"File": tmp_path / "file", "Socket": tmp_path / "socket", "CharDevice": Path("/dev/null")}.get(
        kind, tmp_path / f"made{kind}"
    )
    if kind == "Directory":
        path.mkdir()
    if kind == "File":
        path.touch()
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "Socket":
            listener.bind(str(path))

        await scene.volumes.prepare(scene.pod({"name": "h", "hostPath": {"path": str(path), "type": kind}}))

    assert path.is_dir() == (kind in {"Directory", "DirectoryOrCreate"})
    assert path.is_file() == (kind in {"File", "FileOrCreate"})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc", "File"),
        ("/etc/passwd", "Directory"),
        ("/etc/passwd", "Socket"),
        ("etc", ""),
        ("/a/../etc", ""),
        ("/", "X"),
    ],
)
async def test_wrong_host_paths(scene: Scene, path: str, kind: str) -> None:
    """A hostPath that is something else, or no absolute path, is refused."""
    with pytest.raises(StartError):
        await scene.volumes.prepare(scene.pod({"name": "h", "hostPath": {"path": path, "type": kind}}))
