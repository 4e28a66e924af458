"""Which programs a cluster goes on with."""

from pathlib import Path

import pytest

from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Binary, Source, Tool
from autox.cluster.home import ClusterHome
from autox.cluster.network import PORTS, Network
from autox.cluster.programs import check_data, chosen, remembered
from autox.cluster.spec import ClusterSpec
from autox.cluster.state import ClusterState, write_state
from autox.model.errors import ConfigurationError
from tests.binaries.programs import install


@pytest.fixture
def place(tmp_path: Path) -> ClusterHome:
    """A cluster that has data."""
    place = ClusterHome(root=tmp_path / "clusters", name="a")
    place.etcd.mkdir(parents=True)
    return place


def state(**more: dict[str, str]) -> ClusterState:
    """A record with these versions and programs."""
    network = Network(block=64, ports=dict.fromkeys(PORTS, 4000))
    return ClusterState(**{"spec": ClusterSpec(name="a"), "network": network, "versions": {}, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("source", list(Source))
def test_what_a_user_chose_is_remembered(place: ClusterHome, source: Source) -> None:
    """Programs of a directory or of PATH stay with the cluster; autox's own follow its pins."""
    binary = Binary(tool=Tool.ETCD, path=Path("/mine/etcd"), version="v3.7.3", source=source)
    write_state(place, state(versions={"etcd": "v3.7.3"}, chosen=chosen({Tool.ETCD: binary})))
    before = remembered(place)

    assert bool(before) is (source in {Source.DIRECTORY, Source.PATH, Source.KUBEBUILDER_ASSETS})
    assert [(each.path, each.version) for each in before.values()] in ([], [(Path("/mine/etcd"), "v3.7.3")])


def test_a_remembered_program_is_used_while_it_is_the_same(place: ClusterHome, tmp_path: Path) -> None:
    """A plain ``up`` goes on with it, a directory given now wins, and a program that is another by now is forgotten."""
    mine = install(tmp_path / "mine", Tool.ETCD, "v3.7.3")
    write_state(place, state(versions={"etcd": "v3.7.3"}, chosen={"etcd": str(mine)}))
    on_path = install(tmp_path / "path", Tool.ETCD, "v3.6.20")
    given = install(tmp_path / "given", Tool.ETCD, "v3.8.0")
    settings = BinarySettings(cache=tmp_path / "cache", offline=True, search_path=str(on_path.parent))
    with_directory = BinarySettings(cache=tmp_path / "cache", offline=True, directory=given.parent)

    def found(settings: BinarySettings) -> Path:
        return provide([Tool.ETCD], settings=settings, progress=Silent(), before=remembered(place))[Tool.ETCD].path

    assert found(settings) == mine
    assert found(with_directory) == given
    install(tmp_path / "mine", Tool.ETCD, "v3.7.40")
    assert found(settings) == on_path
    mine.unlink()
    assert found(settings) == on_path


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        ("v3.7.3", "v3.6.16", True),
        ("v4.0.0", "v3.9.1", True),
        ("v3.10.0", "v3.9.1", True),
        ("v3.6.16", "v3.7.3", False),
        ("v3.6.16", "v3.6.2", False),
        ("", "v3.6.2", False),
    ],
)
def test_etcd_never_gets_older(place: ClusterHome, before: str, now: str, refused: bool) -> None:  # noqa: FBT001  - table
    """Etcd 3.6 on the data of 3.7 is refused in words before anything is ended; it was three Go stack traces after."""
    recorded = state(versions={"etcd": before})
    if refused:
        with pytest.raises(ConfigurationError, match=f"written by etcd {before}, and etcd {now} cannot read it"):
            check_data(place, recorded, {"etcd": now})
    else:
        check_data(place, recorded, {"etcd": now})
    place.etcd.rmdir()
    check_data(place, recorded, {"etcd": now})
