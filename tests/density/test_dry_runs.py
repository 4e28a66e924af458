"""What a load test would do: told without a cluster, and the same for the same inputs."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.core.loads.workloads import expand
from autox.model.density import DensityInputs
from autox.model.workload import Churn, Churned, ObjectGroup, ObjectKind, Parallel, Poisson, Steady, Step, WorkloadPlan
from autox.tasks.density.dryrun import forecast
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import body
from tests.clusters import run

GROUPS = st.builds(
    ObjectGroup,
    kind=st.sampled_from(ObjectKind),
    count=st.integers(1, 4),
    replicas=st.integers(1, 3),
    size=st.integers(1, 2_000),
    labels=st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["x", "x-{index}"])),
    template=st.sampled_from([{}, {"metadata": {"annotations": {"a": "{namespace}/{index}"}}}]),
)
INPUTS = st.builds(
    DensityInputs,
    nodes=st.integers(1, 5),
    latency_pods=st.integers(0, 3),
    plan=st.builds(
        WorkloadPlan,
        namespaces=st.integers(1, 3),
        steps=st.lists(
            st.builds(
                Step,
                name=st.just("s"),
                objects=st.lists(GROUPS, min_size=1, max_size=3).map(tuple),
                rate=st.sampled_from([Steady(qps=5.0), Poisson(qps=9.0, seed=2), Parallel(requests=2)]),
            ),
            min_size=1,
            max_size=2,
        ).map(tuple),
    ),
)


@settings(max_examples=50)
@given(inputs=INPUTS)
def test_the_same_inputs_make_the_same_objects(inputs: DensityInputs) -> None:
    """Whatever the run is called: one digest, and objects that differ by the run's own names and labels alone."""
    assert inputs.plan is not None
    runs = [RunLabels(run=name, namespace=f"autox-density-{name}") for name in ("a", "b")]
    one, other = (
        [
            json.dumps(body(each, labels, place=labels.namespaces(3)[each.namespace])).replace(
                labels.namespace, "autox-density-x"
            )
            for each in expand(inputs.plan, nodes=inputs.nodes)
        ]
        for labels in runs
    )

    assert [text.replace('"a"', '"b"') for text in one] == [text.replace('"a"', '"b"') for text in other]
    assert forecast(inputs).digest == forecast(replace(inputs, timeout=9_999.0)).digest


@pytest.mark.parametrize(
    "other",
    [
        {"count": 4},
        {"replicas": 3},
        {"name": "x-{index}"},
        {"kind": ObjectKind.STATEFUL_SET},
        {"labels": {"a": "b"}},
        {"annotations": {"a": "{index}"}},
        {"template": {"spec": {"paused": True}}},
    ],
    ids=str,
)
def test_other_inputs_make_other_objects(other: dict[str, object]) -> None:
    """And another digest; another rate alone makes the same objects at other moments."""
    group = ObjectGroup(kind=ObjectKind.DEPLOYMENT, count=3, replicas=2)

    def digest(group: ObjectGroup, rate: float = 5.0, namespaces: int = 1) -> str:
        step = Step(name="s", objects=(group,), rate=Steady(qps=rate))
        return forecast(DensityInputs(plan=WorkloadPlan(steps=(step,), namespaces=namespaces))).digest

    assert digest(replace(group, **other)) != digest(group)  # type: ignore[arg-type]
    assert digest(group, rate=50.0) == digest(group)
    assert digest(group, namespaces=2) != digest(group)


def test_the_short_form_and_its_plan_are_one() -> None:
    """Who writes the three numbers as a plan makes the same objects."""
    group = ObjectGroup(kind=ObjectKind.DEPLOYMENT, name="load-{index}", count=10, replicas=10)
    step = Step(name="load", objects=(group,), rate=Steady(qps=2.0))

    assert forecast(DensityInputs(plan=WorkloadPlan(steps=(step,)))) == forecast(DensityInputs())


CHURN = Churn(share=0.4, cycles=3)


def of(**counts: int) -> DensityInputs:
    """Inputs with so many objects of each kind, each with two replicas, on three nodes."""
    groups = tuple(ObjectGroup(kind=ObjectKind(kind), count=count, replicas=2) for kind, count in counts.items())
    plan = WorkloadPlan(steps=(Step(name="s", objects=groups, rate=Steady(qps=10.0)),))
    return DensityInputs(nodes=3, plan=plan)


IN_TWO = replace(
    of(),
    plan=WorkloadPlan(
        steps=(
            Step(
                name="s",
                objects=(
                    ObjectGroup(kind=ObjectKind.DEPLOYMENT, count=4, replicas=2),
                    ObjectGroup(kind=ObjectKind.CONFIG_MAP, count=2),
                ),
                rate=Steady(qps=10.0),
            ),
        ),
        namespaces=2,
    ),
)
"""In each namespace two Deployments and a ConfigMap."""


@pytest.mark.parametrize(
    ("inputs", "creations", "bindings", "updates", "deletions", "seconds"),
    [
        pytest.param(of(Deployment=5), 9 + 10 + 10, 10, 10, 29 + 10, 0.4, id="Deployments and their ReplicaSets"),
        pytest.param(of(StatefulSet=5, DaemonSet=1), 9 + 12 + 13, 13, 13, 34 + 13, 0.5, id="revisions"),
        pytest.param(of(Job=5), 9 + 5 + 10, 10, 30, 24 + 10, 0.4, id="Jobs"),
        pytest.param(replace(of(Deployment=5), churn=CHURN), 29 + 24, 22, 22, 53 + 22, 0.4, id="churn"),
        pytest.param(
            replace(of(Deployment=6), churn=Churn(of=Churned.NODES, share=0.1, cycles=2)),
            9 + 12 + 12 + 4 + 8,
            20,
            20,
            45 + 20,
            0.5,
            id="nodes that go and come",
        ),
        pytest.param(
            replace(of(Deployment=6, DaemonSet=1, Job=1), churn=Churn(of=Churned.DRAINED_NODES, share=0.5)),
            9 + 12 + 2 + 1 + 17 + 8,
            25,
            25 + 4 + 4,
            49 + 25,
            0.7,
            id="nodes that are drained",
        ),
        pytest.param(
            replace(IN_TWO, churn=Churn(of=Churned.NAMESPACES, share=0.5, cycles=2)),
            6 + 6 + 18 + 2 * (3 + 4 + 1 + 4),
            16,
            16,
            54 + 16,
            0.5,
            id="namespaces that go and come",
        ),
        pytest.param(of(ConfigMap=5, Secret=3), 9 + 8, 0, 0, 17, 0.7, id="data"),
        pytest.param(of(Deployment=2, Service=2), 9 + 4 + 4 + 8, 4, 4, 25 + 4, 0.3, id="Services"),
        pytest.param(
            DensityInputs(nodes=3, pods=20, latency_pods=6),
            9 + 20 + 2 * 2 + 6 * 3,
            26,
            26,
            51 + 26,
            1.5,
            id="latency pods",
        ),
    ],
)
def test_writes_are_told(
    inputs: DensityInputs, *, creations: int, bindings: int, updates: int, deletions: int, seconds: float
) -> None:
    """By the arithmetic that stands beside the figures, which a real run was held against."""
    found = forecast(inputs)

    assert (found.writes.creations, found.writes.bindings) == (creations, bindings)
    assert (found.writes.updates, found.writes.deletions) == (updates, deletions)
    assert found.writes.total == creations + bindings + updates + deletions
    assert found.seconds == pytest.approx(seconds)


DOCUMENT = {
    "tasks": [
        {
            "task": "density",
            "with": {
                "cluster": "nowhere",
                "plan": {
                    "steps": [
                        {"name": "a", "objects": [{"kind": "Secret", "count": 2}], "rate": {"qps": 1}, "pause": "3s"},
                        {"name": "b", "objects": [{"kind": "Job"}], "rate": {"parallel": 1}},
                    ]
                },
            },
        },
    ]
}


def dry_run(folder: Path, document: object, *argv: str) -> tuple[int, str]:
    """``autox density plan``: the exit code and what was said."""
    path = folder / "experiment.yaml"
    path.write_text(json.dumps(document))
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = run(sys.executable, "-m", "autox", "density", "plan", "-f", str(path), *argv, environ=environ)
    return done.code, done.out or done.err


def test_the_command_needs_no_cluster(tmp_path: Path) -> None:
    """It tells people and programs the same, of a cluster that is not there."""
    code, said = dry_run(tmp_path, DOCUMENT)
    [found] = json.loads(dry_run(tmp_path, DOCUMENT, "-o", "json")[1])

    assert code == 0
    rows = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert (rows["Secret"], rows["Job"], rows["digest"]) == ("2", "1", found["digest"])
    assert "after 5 s, and the time that 1 objects take as fast as they are answered" in said
    assert (found["objects"], found["pods"], found["writes"]["bindings"]) == ({"Secret": 2, "Job": 1}, 1, 1)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"tasks": [{"task": "wait", "with": {"seconds": 1}}]}, "has no task density"),
        ({"tasks": [{"task": "density", "with": {"cluster": "b", "nodes": 1, "pods": 111}}]}, "room for 110 pods"),
        ({"tasks": [{"task": "density", "with": {"cluster": "b", "plan": {"steps": 5}}}]}, "plan.steps"),
        ({"tasks": []}, "tasks"),
    ],
    ids=["no load test", "too many pods", "no plan", "no task"],
)
def test_the_command_refuses_what_a_run_would(document: object, said: str, tmp_path: Path) -> None:
    """With the words of the document's check, and the exit code of a mistake."""
    code, told = dry_run(tmp_path, document)

    assert code == 2
    assert said in told
