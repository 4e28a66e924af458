"""``autox density credentials``: what it makes, what it prints, and whom it asks for what it may not make."""

import base64
import stat
from pathlib import Path

import pytest
import yaml

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import SELF_SUBJECT_REVIEWS
from autox.tasks.density.rights import NAME, manifests
from tests.clusterobjects import Object
from tests.clusters import Done, LocalCluster, run
from tests.density.conftest import EVERYWHERE, OF_LEASES
from tests.forking import AUTOX

pytestmark = pytest.mark.integration

RBAC = "rbac.authorization.k8s.io"


def credentials(cluster: LocalCluster, *argv: str, kubeconfig: Path | None = None) -> Done:
    """``autox density credentials ARGV…`` on a cluster, as its administrator or by another kubeconfig."""
    whose = ("--kubeconfig", str(kubeconfig)) if kubeconfig else ("--cluster", cluster.name)
    return run(*AUTOX, "density", "credentials", *whose, *argv, environ=cluster.environ)


def identity(cluster: LocalCluster, place: str) -> dict[str, str]:
    """The kinds that there are of the identity of a namespace, and the version of each."""
    roles = [each for words in (EVERYWHERE, OF_LEASES) for each in cluster.get(*words)["items"]]
    found = [each for each in roles if each["metadata"]["name"] == f"{NAME}:{place}"]
    found += [each for each in cluster.get("serviceaccounts", "-n", place)["items"] if each["metadata"]["name"] == NAME]
    return {each["kind"]: each["metadata"]["resourceVersion"] for each in found}


def acting_as(cluster: LocalCluster, user: str, path: Path) -> Path:
    """A kubeconfig of the administrator who acts as somebody else."""
    config = yaml.safe_load(cluster.home.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": user}
    path.write_text(yaml.safe_dump(config))
    return path


async def name_of(path: Path) -> str:
    """Whom the API server takes the holder of a kubeconfig for; it may be one from a Secret."""
    async with KubeClient(from_kubeconfig(path, allow_exec=False, allow_files=False)) as kube:
        wanted = {"apiVersion": SELF_SUBJECT_REVIEWS.api_version, "kind": SELF_SUBJECT_REVIEWS.kind}
        return str((await kube.create(SELF_SUBJECT_REVIEWS, wanted))["status"]["userInfo"]["username"])


def token_in(kubeconfig: str) -> str:
    """The token that a kubeconfig holds."""
    return str(yaml.safe_load(kubeconfig)["users"][0]["user"]["token"])


async def test_made_again_nothing_changes(cluster: LocalCluster, place: str, tmp_path: Path) -> None:
    """A kubeconfig for its owner alone, and a Secret for experiments: each has a token of its own, of one identity.

    Load tests ran as an administrator, whose requests no queue of the API server holds up.
    """
    file = tmp_path / "b"
    file.touch(mode=0o644)

    first = credentials(cluster, "-n", place, "--file", str(file))
    there = identity(cluster, place)
    second = credentials(cluster, "-n", place, "-o", "secret", "--secret", "of-b", "--duration", "1h")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert set(there) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
    assert identity(cluster, place) == there
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = yaml.safe_load(second.out)
    assert (secret["kind"], secret["metadata"]) == ("Secret", {"name": "of-b"})
    (tmp_path / "of-b").write_bytes(base64.b64decode(secret["data"]["kubeconfig"]))
    files = [file, tmp_path / "of-b"]
    assert [await name_of(each) for each in files] == [f"system:serviceaccount:{place}:{NAME}"] * 2
    tokens = {token_in(each.read_text()) for each in files}
    assert len(tokens) == 2
    assert first.out == ""
    assert f"{place}/{NAME} on https://" in first.err
    assert not any(each in first.err + second.err for each in tokens)


def test_what_would_be_made_is_printed(cluster: LocalCluster, place: str) -> None:
    """An administrator reads and applies it; nothing is made meanwhile."""
    done = credentials(cluster, "-n", place, "-o", "yaml")

    assert (done.code, done.err) == (0, "")
    assert list(yaml.safe_load_all(done.out)) == manifests(place)
    assert identity(cluster, place) == {}


def test_whoever_may_not_make_it_knows_whom_to_ask(cluster: LocalCluster, place: str, tmp_path: Path) -> None:
    """What an administrator is to apply is told; once that is there, who may ask for tokens gets them.

    Standard output stays empty, for it may lead to another cluster.
    """
    clerk = acting_as(cluster, "clerk", tmp_path / "clerk")

    refused = credentials(cluster, "-n", place, "-o", "secret", kubeconfig=clerk)
    told, _, error = refused.err.partition("error: ")
    cluster.objects.apply(*clerks(place))
    narrow = list(yaml.safe_load_all(told))
    removed = narrow[1]["rules"].pop(1)
    cluster.objects.apply(*narrow)
    less = credentials(cluster, "-n", place, kubeconfig=clerk)
    cluster.objects.apply(*yaml.safe_load_all(told))
    done = credentials(cluster, "-n", place, kubeconfig=clerk)

    assert (refused.code, refused.out) == (3, "")
    assert list(yaml.safe_load_all(told)) == manifests(place)
    assert 'User "clerk" cannot' in error
    assert "Ask an administrator" in error
    assert (less.code, less.out) == (3, "")
    assert removed["resources"] == ["serviceaccounts"]
    assert f"{place}/{NAME} may not get serviceaccounts, and we may not make its roles anew" in less.err
    assert done.code == 0, done.err
    assert token_in(done.out)


def clerks(place: str) -> list[Object]:
    """Leave for the user ``clerk`` to ask for tokens in a namespace, and for nothing else."""
    names = {"name": "clerk", "namespace": place}
    rule = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": names, "rules": [rule]}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": names,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "clerk"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "clerk"}],
    }
    return [role, binding]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        pytest.param(["--duration", "5m"], 2, "10m to", id="too short a time"),
        pytest.param(["--duration", "2000000h"], 2, "10m to", id="too long a time"),
        pytest.param(["--duration", "soon"], 2, "'soon' is not a duration", id="no time"),
        pytest.param(["-o", "json"], 2, "'json' is not one of", id="another output"),
        pytest.param(["-n", "nowhere-at-all"], 3, '"nowhere-at-all" not found', id="no such namespace"),
        pytest.param(["-o", "yaml", "--file", "/"], 2, "is a directory", id="a directory"),
        pytest.param(["-o", "yaml", "--file", "/proc/none/b"], 3, "Name another --file", id="no place for a file"),
        pytest.param(["--kubeconfig", "k"], 2, "not both", id="two clusters"),
    ],
)
def test_mistakes(cluster: LocalCluster, argv: list[str], code: int, said: str) -> None:
    """Each says what is wrong, and nothing is printed."""
    done = credentials(cluster, *argv)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
