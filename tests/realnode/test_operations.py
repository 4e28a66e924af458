"""What those who run autox do with it while experiments run: replicas, upgrade, rollback, test, uninstall."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import run, wait_for
from tests.image.making import ARCHIVE
from tests.integration.objects import Object
from tests.realnode.conftest import RealCluster
from tests.realnode.images import bring_image, tag
from tests.realnode.story import Story, bring_app, group, install, load

pytestmark = pytest.mark.realnode

ROOT = Path(__file__).parents[2]
KIND: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "models.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Model", "plural": "models", "singular": "model"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
GROUPS: dict[str, Object] = {
    "standby": group("standby", load()),
    "model": {
        "trigger": {"group": "example.com", "version": "v1", "resource": "models", "namespace": "default", "name": "m"},
        "specs": {"load": {"name": "experiment", "values": load()}},
    },
    "upgraded": group("upgraded", load(http={"duration": "15s"})),
    "rolled-back": group("rolled-back", load()),
    "left": group("left", load(http={"duration": "10s"})),
}


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The commit before this one, checked out, with its image built."""
    tree = tmp_path_factory.mktemp("previous") / "tree"
    git = ("git", "-C", str(ROOT))
    done = run(*git, "worktree", "add", "--detach", str(tree), "HEAD^")
    assert done.code == 0, done.err
    try:
        # NB: there, for a module is looked for in the working directory before PYTHONPATH.
        there = ("env", f"--chdir={tree}", f"PYTHONPATH={tree}")
        built = run(*there, sys.executable, "-m", "image.build", "--output", str(tree / "out"))
        assert built.code == 0, built.err
        yield tree
    finally:
        run(*git, "worktree", "remove", "--force", str(tree))


@pytest.fixture(scope="module")
def ready(real: RealCluster) -> Iterator[RealCluster]:
    """A cluster with the image, the app ``web`` and a kind of resource that is somebody's own."""
    real.kubectl("label", "namespace/default", "pod-security.kubernetes.io/enforce=restricted")
    bring_image(real)
    bring_app(real)
    real.apply(KIND)
    yield real
    print(real.kubectl("logs", "-l", "app.kubernetes.io/component=controller", "--tail=100"))  # noqa: T201  - on failure


def test_of_two_replicas_one_takes_over(ready: RealCluster) -> None:
    """Two controllers: one works, the other one stands by, and takes over when the first is lost."""
    install(ready, GROUPS, replicas=2)
    leader = wait_for("a leader", lambda: holder(ready))
    ready.kubectl("delete", "pod", leader, "--grace-period=0", "--force")
    story = Story(ready, "standby")
    story.new_version()

    assert story.ended()["verdict"] == "Pass"
    assert holder(ready) != leader
    assert len(story.records()) == len(story.jobs()) == 1


def holder(cluster: RealCluster) -> str:
    """The pod of the controller that works."""
    spec = cluster.get("lease", "autox-controller")["spec"]
    return str(spec.get("holderIdentity") or "").partition("_")[0]


def test_custom_resource_is_a_trigger(ready: RealCluster) -> None:
    """A resource of a kind of the user's own is tested like a Deployment, with the rights that the chart gives."""
    labels = {"app.kubernetes.io/version": "1", "iter8.tools/autox": "true"}
    ready.apply({"apiVersion": "example.com/v1", "kind": "Model", "metadata": {"name": "m", "labels": labels}})

    assert Story(ready, "m").ended()["verdict"] == "Pass"


def test_helm_test_passes(ready: RealCluster) -> None:
    """``helm test`` shows that the controller's account can read what autox keeps."""
    done = ready.helm("test", "autox", "--timeout", "60s")

    assert done.code == 0, done.err
    assert "Succeeded" in done.out


def test_upgrade_in_mid_experiment_and_rollback(ready: RealCluster, previous: Path) -> None:
    """Chart and image of the commit before, upgraded while an experiment runs: it is neither lost nor run twice.

    That experiments would run another image from now on is no reason to test a version again.
    """
    loaded = ready.autox("load", str(previous / "out" / ARCHIVE.name))
    assert loaded.code == 0, loaded.err
    tag(ready, loaded.out.strip(), "docker.io/library/autox:previous")
    bring_image(ready)
    assert ready.helm("uninstall", "autox", "--wait", "--ignore-not-found").code == 0
    old = {"image": {"repository": "autox", "tag": "previous"}}
    install(ready, GROUPS, chart=str(previous / "charts" / "autox"), **old)
    story = Story(ready, "upgraded")
    story.new_version()
    story.pod()
    install(ready, GROUPS)

    assert story.ended()["verdict"] == "Pass"
    assert len(story.records()) == len(story.jobs()) == 1

    assert ready.helm("rollback", "autox").code == 0
    ready.kubectl("rollout", "status", "deployment/autox", "--timeout=90s")
    image = ready.get("deployment", "autox")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "autox:previous"
    after = Story(ready, "rolled-back")
    after.new_version()
    assert after.ended()["verdict"] == "Pass"
    assert len(story.records()) == 1


def test_uninstall_in_mid_experiment_keeps_it_and_every_record(ready: RealCluster) -> None:
    """With keepExperiments, what runs runs to its end and tells its verdict; all records stay."""
    install(ready, GROUPS, keepExperiments=True)
    story = Story(ready, "left")
    story.new_version()
    story.pod()
    before = len(ready.get("experiments")["items"])
    assert ready.helm("uninstall", "autox", "--wait").code == 0

    verdict = wait_for("the verdict", lambda: story.status().get("verdict"))
    assert verdict == "Pass"
    assert len(ready.get("experiments")["items"]) == before


def test_roles_were_neither_too_wide_nor_too_narrow(ready: RealCluster) -> None:
    """In all that happened above, nothing that autox asked for was refused, and it wrote nothing but its own."""
    assert "system:serviceaccount:default:autox" in ready.audit.users()
    assert ready.audit.refused() == ready.audit.trespasses() == []
