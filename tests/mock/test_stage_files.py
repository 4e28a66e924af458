"""The file of stages: what can be said in it, and how mistakes are told."""

import math
import re
from pathlib import Path

import pytest

from autox.api.stages import load_stages
from autox.core.pods.stagetable import STANDARD
from autox.model.errors import ConfigurationError
from autox.model.stages import CrashLoopBackOff, Outage, Selector, Stage, State

WHOLE = """
seed: 7
crashLoopBackOff: {initialSeconds: 1, limitSeconds: 8}
stages:
- name: out-of-memory
  from: [Ready, Unready]
  to: Crashed
  selector:
    namespaces: [shop]
    labels: {app: checkout}
    annotations: {example.com/greedy: "*"}
    ownerKinds: [ReplicaSet]
    nodePrefix: virtual-1
    restartPolicies: [Always]
  probability: 0.25
  probabilityFrom: example.com/chance
  delaySeconds: 30
  delayFrom: example.com/after
  jitterSeconds: 10
  exitCode: 137
  reason: OOMKilled
  message: the container used too much memory
- {name: hang, from: [Ready], to: Succeeded, delaySeconds: forever}
- {name: give-up, from: [Starting], to: Failed, delaySeconds: run}
- {name: recover, from: [Unready], to: Ready, delaySeconds: 60}
outages:
- {name: rack, nodePrefix: virtual-1, share: 0.5, intervalSeconds: 600, durationSeconds: 60}
"""


def load(folder: Path, text: str) -> tuple[Stage, ...]:
    """The stages of a file with this text."""
    path = folder / "stages.yaml"
    path.write_text(text)
    return load_stages(path).stages


def refusal(folder: Path, text: str) -> str:
    """What is said about a file that is refused, without its name, which is always said."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    start = f"{folder / 'stages.yaml'}: "
    assert caught.value.message.startswith(start)
    return caught.value.message.removeprefix(start)


def one(**fields: object) -> str:
    """A file with one stage, in which some fields say something else."""
    entry = {"name": "mine", "from": "[Ready]", "to": "Crashed", "delaySeconds": 5} | fields
    return "stages:\n- {" + ", ".join(f"{key}: {value}" for key, value in entry.items() if value is not None) + "}\n"


def test_everything_that_can_be_said_is_taken(tmp_path: Path) -> None:
    """Each field of the file arrives in the table, one's own stages before the standard ones."""
    path = tmp_path / "stages.yaml"
    path.write_text(WHOLE)

    table = load_stages(path)

    assert table.stages[0] == Stage(
        name="out-of-memory",
        leaves=(State.READY, State.UNREADY),
        to=State.CRASHED,
        selector=Selector(
            namespaces=("shop",),
            labels={"app": "checkout"},
            annotations={"example.com/greedy": "*"},
            owner_kinds=("ReplicaSet",),
            node_prefix="virtual-1",
            restart_policies=("Always",),
        ),
        probability=0.25,
        probability_annotation="example.com/chance",
        delay=30.0,
        delay_annotation="example.com/after",
        jitter=10.0,
        exit_code=137,
        reason="OOMKilled",
        message="the container used too much memory",
    )
    assert (table.stages[1].delay, table.stages[2].delay, table.stages[2].exit_code) == (math.inf, None, 1)
    assert (table.seed, table.back_off) == (7, CrashLoopBackOff(initial_seconds=1, limit_seconds=8))
    assert table.outages == (Outage(name="rack", node_prefix="virtual-1", share=0.5, interval=600.0, duration=60.0),)


def test_a_stage_of_a_standard_name_takes_its_place(tmp_path: Path) -> None:
    """The rest of the standard table stays as it is, in its order."""
    path = tmp_path / "stages.yaml"
    path.write_text(WHOLE)
    stages = load_stages(path).stages

    assert [stage.name for stage in stages[3:]] == [stage.name for stage in STANDARD]
    changed = [stage for stage in stages if stage.name == "recover"]
    assert [stage.delay for stage in changed] == [60.0]
    assert [stage for stage in stages[3:] if stage.name != "recover"] == [
        stage for stage in STANDARD if stage.name != "recover"
    ]


def test_an_empty_file_is_the_standard_table(tmp_path: Path) -> None:
    """Nothing said, nothing changed."""
    assert load(tmp_path, "{}") == STANDARD


def test_a_table_can_do_without_the_standard_stages(tmp_path: Path) -> None:
    """Pods that start and then do nothing more."""
    text = "standard: false\nstages: [{name: up, from: [Pending], to: Ready, delaySeconds: 2, jitterSeconds: 3}]"

    assert load(tmp_path, text) == (Stage(name="up", leaves=(State.PENDING,), to=State.READY, delay=2.0, jitter=3.0),)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"probability": 1.5}, "stages[0].probability: .*less than or equal to 1"),
        ({"probability": -0.1}, "stages[0].probability: .*greater than or equal to 0"),
        ({"probability": "'0.5'"}, "stages[0].probability: .*valid number"),
        ({"delaySeconds": -1}, "stages[0].delaySeconds: must be from 0 to"),
        ({"delaySeconds": "soon"}, "stages[0].delaySeconds: must be a number of seconds"),
        ({"delaySeconds": "true"}, "stages[0].delaySeconds: must be a number of seconds"),
        ({"delaySeconds": "1e300"}, "stages[0].delaySeconds: must be"),
        ({"jitterSeconds": -1}, "stages[0].jitterSeconds: "),
        ({"from": "[Redy]"}, "stages[0].from[0]: 'Redy' is no state; there are Pending, ContainerCreating"),
        ({"from": "[7]"}, "stages[0].from[0]: '7' is no state"),
        ({"from": "[]"}, "stages[0].from: .*at least 1 item"),
        ({"from": None}, "stages[0].from: is required"),
        ({"to": "Läuft"}, "stages[0].to: 'Läuft' is no state"),
        ({"to": None}, "stages[0].to: is required"),
        ({"name": None}, "stages[0].name: is required"),
        ({"name": "Mine"}, "stages[0].name: 'Mine' is no name"),
        ({"name": "x" * 64}, "stages[0].name: 'x+' is no name"),
        ({"delay": 5}, "stages[0].delay: unknown key"),
        ({"delayFrom": "'a b'"}, "stages[0].delayFrom: 'a b' is no key of an annotation"),
        ({"exitCode": 256}, "stages[0].exitCode: "),
        ({"to": "Unready", "exitCode": 1}, "stages[0]: exitCode is for stages that end containers"),
        ({"to": "Succeeded", "exitCode": 1}, "stages[0]: exitCode of a pod that has Succeeded is 0"),
        ({"to": "Unready", "reason": "Because"}, "stages[0]: reason is for stages to Crashed or Failed"),
        ({"to": "Unready", "message": "so"}, "stages[0]: message is for stages after which"),
        ({"message": "x" * 1025}, "stages[0].message: .*1024"),
        ({"backsOff": "true"}, "stages[0]: backsOff is for stages from Crashed"),
        ({"selector": "{restartPolicies: [Sometimes]}"}, "stages[0].selector: restartPolicies has 'Sometimes'"),
        ({"selector": "{labels: {app: 7}}"}, "stages[0].selector.labels.app: .*valid string"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, fields: dict[str, object], told: str) -> None:
    """File, field and what is wrong with it."""
    message = refusal(tmp_path, one(**fields))

    assert re.match(told.replace("[", r"\[").replace("]", r"\]"), message), message


@pytest.mark.parametrize(
    ("text", "probability", "delay"),
    [("1e-3", 0.001, 10.0), ("1E-3", 0.001, 10.0), ("+.1e-2", 0.001, 10.0), ("0.001_0", 0.001, 10.0)],
)
def test_a_number_is_what_helm_reads(tmp_path: Path, text: str, probability: float, delay: float) -> None:
    """``1e-3`` is a number, as in a chart's values, where it was "not a valid number"."""
    stage = load(tmp_path, one(probability=text, delaySeconds="1e1"))[0]

    assert (stage.probability, stage.delay) == (probability, delay)


@pytest.mark.parametrize("field", ["probability", "delaySeconds", "jitterSeconds"])
@pytest.mark.parametrize("word", [".nan", ".inf", "-.Inf"])
def test_no_number_is_infinite(tmp_path: Path, field: str, word: str) -> None:
    """What no chart's values can hold is refused here, too, with its line."""
    with pytest.raises(ConfigurationError, match=rf"line 2 is not valid YAML: {re.escape(word)} is no number"):
        load(tmp_path, one(**{field: word}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stages: 7", "stages: "),
        ("[]", "Input should be an object"),
        ("seed: -1", "seed: "),
        ("seed: 1.5", "seed: "),
        ("seeds: 1", "seeds: unknown key"),
        ("standard: false", "without the standard stages there must be some in stages"),
        ("crashLoopBackOff: {initialSeconds: 10, limitSeconds: 5}", "crashLoopBackOff: limitSeconds is less"),
        ("outages: [{name: a, intervalSeconds: 60, durationSeconds: 60}]", "outages[0]: durationSeconds must be less"),
        ("outages: [{name: a, intervalSeconds: 60, durationSeconds: 0}]", "outages[0].durationSeconds: "),
        ("outages: [{name: a, share: 2, intervalSeconds: 60, durationSeconds: 6}]", "outages[0].share: "),
        (
            one() + "- {name: mine, from: [Ready], to: Failed, delaySeconds: 1}",
            "stages has mine more than once",
        ),
    ],
)
def test_a_mistake_beside_the_stages_is_told(tmp_path: Path, text: str, told: str) -> None:
    """Seed, back-off and outages are checked as well."""
    assert refusal(tmp_path, text).startswith(told)


def test_a_way_that_no_pod_can_go_is_refused(tmp_path: Path) -> None:
    """A pod never goes back to waiting for its image, and none leaves its end."""
    back = refusal(tmp_path, one(to="ContainerCreating"))
    over = refusal(tmp_path, one(**{"from": "[Failed]", "to": "Ready"}))

    assert back == (
        "stages[0].to: from Ready a pod can become Unready, Crashed, Succeeded, Failed, not ContainerCreating"
    )
    assert over == "stages[0].to: from Failed a pod can become nothing else, not Ready"


def test_a_stage_that_no_pod_comes_to_is_refused(tmp_path: Path) -> None:
    """It would be written in vain, and its writer would wonder."""
    text = """
standard: false
stages:
- {name: up, from: [Pending], to: Ready}
- {name: again, from: [CrashLoopBackOff], to: Ready, backsOff: true}
"""

    assert refusal(tmp_path, text) == ("stages[1].from: can never be reached: no stage leads a pod to CrashLoopBackOff")


@pytest.mark.parametrize(
    ("stage", "first"),
    [
        ("{name: late, from: [Pending], to: Ready, delaySeconds: 5}", "create"),
        ("{name: b, from: [Ready], to: Crashed, delaySeconds: 1}", "a"),
        ("{name: b, from: [Ready], to: Crashed, delaySeconds: forever}", "a"),
    ],
)
def test_a_stage_that_always_comes_too_late_is_refused(tmp_path: Path, stage: str, first: str) -> None:
    """Another stage is always taken in its stead."""
    text = "stages:\n- {name: a, from: [Ready], to: Crashed, delaySeconds: 60}\n- " + stage

    assert refusal(tmp_path, text) == f"stages[1].name: can never be reached: stage '{first}' always comes first"


@pytest.mark.parametrize(
    "stage",
    [
        "{name: b, from: [Ready], to: Crashed, delaySeconds: 1}",
        "{name: b, from: [Ready], to: Failed, delaySeconds: 1}",
        "{name: b, from: [ContainerCreating], to: ErrImagePull, probability: 0.1}",
        "{name: b, from: [ContainerCreating], to: Starting, delaySeconds: 9}",
        "{name: b, from: [Pending], to: ErrImagePull, probability: 0.1}",
    ],
)
def test_a_stage_that_is_taken_now_and_then_is_no_mistake(tmp_path: Path, stage: str) -> None:
    """Because the one before it is for some pods only, or leads elsewhere, or waits as well."""
    text = "stages:\n- {name: a, from: [Ready], to: Crashed, delaySeconds: 60, probability: 0.5}\n- " + stage

    assert load(tmp_path, text)[1].name == "b"


def test_a_stage_whose_rival_does_not_always_come_first_is_no_mistake(tmp_path: Path) -> None:
    """The standard creation is held up for the pods of one namespace, to which something else happens then."""
    text = """
stages:
- {name: held, from: [Pending], to: ContainerCreating, selector: {namespaces: [slow]}, delaySeconds: forever}
- {name: evicted, from: [Pending], to: Failed, delaySeconds: 60, reason: Evicted}
"""

    assert load(tmp_path, text)[1].name == "evicted"


def test_a_circle_without_delay_is_refused(tmp_path: Path) -> None:
    """Such a pod would be written as fast as the API server lets it."""
    text = """
stages:
- {name: down, from: [Ready], to: Unready}
- {name: up, from: [Unready], to: Ready}
"""

    told = "is part of a circle of stages without any delay, in which a pod would be written without pause"
    assert refusal(tmp_path, text) == f"stages[0].delaySeconds: {told}; stages[1].delaySeconds: {told}"


def test_a_circle_with_a_delay_is_taken(tmp_path: Path) -> None:
    """A readiness flap of one's own."""
    text = """
stages:
- {name: down, from: [Ready], to: Unready}
- {name: up, from: [Unready], to: Ready, jitterSeconds: 5}
"""

    assert [stage.name for stage in load(tmp_path, text)[:2]] == ["down", "up"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_stages(tmp_path / "stages.yaml")
