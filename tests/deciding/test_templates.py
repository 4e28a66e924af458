"""Other pods under the same version label are tested again; the same pods, however they are written, are not."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from autox.core.experiments.deciding import DigestTrouble, decide
from autox.core.experiments.templates import images_of, is_another, template_of
from autox.model.experiments import ExperimentRecord
from autox.model.groups import Retest
from autox.model.verdict import Phase, Verdict
from tests.deciding.samples import DIGESTS, group, identity, present, record
from tests.deciding.test_versions import said

Object = dict[str, Any]
OLD, NEW = "1-old", "1-new"

POD: Object = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "shop:4",
                "ports": [{"containerPort": 80}],
                "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
                "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                "volumeMounts": [{"name": "config", "mountPath": "/etc/shop"}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "shop"}}],
    },
}
WORKLOADS: dict[str, tuple[str, Object]] = {
    "Deployment": ("apps", {"spec": {"replicas": 2, "template": POD}}),
    "StatefulSet": ("apps", {"spec": {"serviceName": "web", "template": POD}}),
    "DaemonSet": ("apps", {"spec": {"template": POD}}),
    "CronJob": ("batch", {"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": POD}}}}),
    "Rollout": ("argoproj.io", {"spec": {"replicas": 2, "strategy": {"canary": {}}, "template": POD}}),
    "Knative Service": ("serving.knative.dev", {"spec": {"template": POD}}),
}


def template_in(workload: Object) -> Object:
    """The pod template of one of these."""
    spec = workload["spec"]
    found: Object = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    return found


def container(workload: Object) -> Object:
    """Its container."""
    found: Object = template_in(workload)["spec"]["containers"][0]
    return found


@pytest.fixture(params=WORKLOADS)
def workload(request: pytest.FixtureRequest) -> tuple[str, Object]:
    """Each kind of workload, with its API group."""
    group_, obj = WORKLOADS[request.param]
    return group_, deepcopy(obj)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda each: container(each).update(image="shop:5"), id="image"),
        pytest.param(lambda each: container(each)["env"].append({"name": "SLOW", "value": "1"}), id="variable"),
        pytest.param(lambda each: container(each).update(args=["--fast"]), id="arguments"),
        pytest.param(lambda each: container(each).update(resources={"limits": {"cpu": "1"}}), id="limits"),
        pytest.param(
            lambda each: template_in(each)["metadata"].update(annotations={"checksum/config": "3f"}), id="configuration"
        ),
        pytest.param(
            lambda each: template_in(each)["spec"]["containers"].append({"name": "proxy", "image": "p"}), id="sidecar"
        ),
        pytest.param(lambda each: template_in(each)["spec"].update(terminationGracePeriodSeconds=5), id="grace"),
    ],
)
def test_what_makes_other_pods_is_told(workload: tuple[str, Object], change: Callable[[Object], Any]) -> None:
    """A change of any workload's template is seen; the image alone, or nothing at all, was looked at before."""
    group_, obj = workload
    before = template_of(obj, group=group_)
    change(obj)

    assert is_another(before, template_of(obj, group=group_))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda each: each["spec"].update(replicas=7), id="scaled"),
        pytest.param(
            lambda each: each.update(metadata={"annotations": {"note": "x"}, "generation": 9}), id="annotated"
        ),
        pytest.param(
            lambda each: template_in(each)["metadata"].update(
                annotations={"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
            ),
            id="restarted",
        ),
        pytest.param(
            lambda each: template_in(each)["metadata"].update(annotations={"cattle.io/timestamp": "2026-01-01"}),
            id="restarted by another tool",
        ),
        pytest.param(
            lambda each: template_in(each)["metadata"].update(creationTimestamp=None, annotations={}), id="emptied"
        ),
        pytest.param(
            lambda each: template_in(each)["metadata"]["labels"].update({"pod-template-hash": "abc"}), id="hashed"
        ),
        pytest.param(
            lambda each: template_in(each)["spec"].update(
                dnsPolicy="ClusterFirst",
                restartPolicy="Always",
                schedulerName="default-scheduler",
                securityContext={},
                terminationGracePeriodSeconds=30,
                nodeSelector=None,
                serviceAccount="default",
                serviceAccountName="default",
            ),
            id="defaults of pods",
        ),
        pytest.param(
            lambda each: container(each).update(
                imagePullPolicy="IfNotPresent",
                resources={},
                terminationMessagePath="/dev/termination-log",
                terminationMessagePolicy="File",
            ),
            id="defaults of containers",
        ),
        pytest.param(
            lambda each: (
                container(each)["ports"][0].update(protocol="TCP"),
                container(each)["env"][0]["valueFrom"]["fieldRef"].update(apiVersion="v1"),
                container(each)["readinessProbe"].update(
                    timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3
                ),
                container(each)["readinessProbe"]["httpGet"].update(scheme="HTTP"),
                template_in(each)["spec"]["volumes"][0]["configMap"].update(defaultMode=420),
            ),
            id="defaults of parts",
        ),
    ],
)
def test_what_makes_no_other_pods_is_not(workload: tuple[str, Object], change: Callable[[Object], Any]) -> None:
    """A restart, a scaling, and a default that is written down are no other version; a generation would say so."""
    group_, obj = workload
    before = template_of(obj, group=group_)
    change(obj)

    assert template_of(obj, group=group_) == before != ""


def test_values_beside_the_defaults_count() -> None:
    """Only the default itself is as good as nothing: another policy, period or mode makes other pods."""
    base = {"spec": {"template": POD}}
    for change in (
        lambda each: container(each).update(imagePullPolicy="Always"),
        lambda each: container(each)["readinessProbe"].update(periodSeconds=1),
        lambda each: container(each).update(image="shop", imagePullPolicy="IfNotPresent"),
        lambda each: container(each).update(stdin=True),
        lambda each: template_in(each)["spec"].update(hostNetwork=True),
        lambda each: template_in(each)["spec"].update(initContainers=[{"name": "i", "restartPolicy": "Always"}]),
    ):
        obj = deepcopy(base)
        change(obj)
        assert template_of(obj, group="apps") != template_of(base, group="apps")


def test_what_has_no_pods_of_its_own_says_so() -> None:
    """A custom resource is told by its spec, but for its scale; a Service or a ConfigMap says nothing about pods."""
    custom: Object = {"spec": {"image": "shop:4", "replicas": 1}}
    assert template_of(custom, group="example.org") == template_of({"spec": {"image": "shop:4"}}, group="example.org")
    assert is_another(
        template_of(custom, group="example.org"), template_of({"spec": {"image": "shop:5"}}, group="example.org")
    )
    for group_, obj in (
        ("", {"spec": {"selector": {"app": "web"}}}),
        ("", {"data": {"a": "b"}}),
        ("networking.k8s.io", {"spec": {"rules": []}}),
        ("example.org", {}),
        ("example.org", {"spec": "odd"}),
        ("apps", {"spec": {"template": "odd"}}),
    ):
        assert template_of(obj, group=group_) == ""
        assert images_of(obj) == ()


def test_digests_of_another_scheme_are_no_change() -> None:
    """An autox that reads templates in another way tests nothing again for that."""
    assert is_another("1-a", "1-b")
    assert not is_another("1-a", "2-b")
    assert not is_another("", "1-b")


def on_old_pods(phase: Phase = Phase.COMPLETED, **fields: Any) -> ExperimentRecord:
    """An experiment of version 1, on pods of the old template."""
    return record(phase, template=OLD, **fields)


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.RUNNING, Phase.COMPLETED])
def test_another_template_under_the_same_label_is_tested_again(phase: Phase) -> None:
    """Label first, image seconds later: the verdict on the old pods stood for ever; now a new revision begins."""
    old = on_old_pods(phase, images=("shop:4",), verdict=Verdict.PASS)
    decisions = decide(group(), present("1", template=NEW, images=("shop:5",)), [old], DIGESTS)

    assert said(decisions) == [("Delete", "TemplateChanged"), ("Launch", "TemplateChanged")]
    assert decisions[0].record == old
    assert decisions[1].launch == identity(revision=2)
    assert "the images are shop:5; they were shop:4" in decisions[1].message


@pytest.mark.parametrize("template", [OLD, "", "2-newer"])
def test_the_same_template_is_not(template: str) -> None:
    """A template that is the same, not known, or read by another scheme leaves the experiment alone."""
    assert said(decide(group(), present("1", template=template), [on_old_pods()], DIGESTS)) == [("Keep", "UpToDate")]


def test_a_group_may_not_want_it() -> None:
    """With ``retest: never`` the label alone decides, as it did before."""
    own = group(retest=Retest.NEVER)

    assert said(decide(own, present("1", template=NEW), [on_old_pods()], DIGESTS)) == [("Keep", "UpToDate")]


def test_records_from_before_are_not_all_tested_again() -> None:
    """An upgrade of autox finds records without a template: they stand, unless their images say otherwise."""
    old = record(Phase.COMPLETED, images=("shop:4",))

    assert said(decide(group(), present(template=NEW, images=("shop:4",)), [old], DIGESTS)) == [("Keep", "UpToDate")]
    assert said(decide(group(), present(template=NEW), [old], DIGESTS)) == [("Keep", "UpToDate")]
    assert said(decide(group(), present(template=NEW, images=("shop:5",)), [old], DIGESTS)) == [
        ("Delete", "TemplateChanged"),
        ("Launch", "TemplateChanged"),
    ]


def test_a_template_that_comes_back_is_tested_again() -> None:
    """Each change of the pods is a run of its own, as each change of the version is."""
    first, second = on_old_pods(Phase.DELETED), record(of=identity(revision=2), template=NEW)

    decisions = decide(group(), present(template=OLD), [first, second], DIGESTS)

    assert said(decisions) == [("Delete", "TemplateChanged"), ("Launch", "TemplateChanged")]
    assert decisions[1].launch == identity(revision=3)


def test_a_launch_that_a_crash_kept_back_says_why() -> None:
    """Between deletion and launch nothing is remembered, and the reason is the same."""
    (decision,) = decide(group(), present(template=NEW), [on_old_pods(Phase.DELETED)], DIGESTS)

    assert (decision.reason, decision.launch) == ("TemplateChanged", identity(revision=2))


def test_another_version_is_no_other_template() -> None:
    """Version and image changed together: the version is the reason, and revisions begin anew."""
    decisions = decide(group(), present("2", template=NEW), [on_old_pods()], DIGESTS)

    assert said(decisions) == [("Delete", "NewVersion"), ("Launch", "NewVersion")]
    assert decisions[1].launch == identity(version="2")


def test_unknown_values_do_not_keep_a_run_on_old_pods() -> None:
    """Whatever the values are, what tests pods that are gone is stale."""
    trouble = DigestTrouble(reason="ValuesMissing", message="no such Secret")
    decisions = decide(group(), present(template=NEW), [on_old_pods(Phase.RUNNING)], {"http": trouble})

    assert said(decisions) == [("Delete", "TemplateChanged"), ("Wait", "ValuesMissing")]
    assert decide(group(), replace(present(template=NEW), template=OLD), [on_old_pods()], {"http": trouble})[
        -1
    ].reason == ("ValuesMissing")
