"""What a search for failure points is told, what it sees of a trial, what it says, and what it keeps."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

import pytest
from aiohttp import web

from autox.api.experimentdocument import load_experiment
from autox.api.groups import group_from_object
from autox.api.tasks.density.searchstate import SearchState
from autox.core.experiments.assessing import assess, judge
from autox.core.loads.failurepoint import Outcome, Step, Trial, advance, outcome
from autox.core.loads.workloads import plan_of
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.failurepoint import FailurePoint, Sought
from autox.model.result import SLO, Bound, Metric, TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.tasks.context import Findings
from autox.tasks.density.observation.apicalls import RESTARTED
from autox.tasks.density.search.failurepoint import search_of
from autox.tasks.density.search.figures import Searched, decisive, findings
from autox.tasks.density.search.hardsigns import HardSigns, afterwards
from autox.tasks.density.search.keeping import Keeping, searches
from autox.tasks.density.search.trial import judged
from tests.api.samples import SPEC, changed, group
from tests.density.conftest import context_on
from tests.kube.hostile import listing, serving, status

STARTUP = SLO(metric="density/pod-startup-latency-p99", bound=Bound.UPPER, limit=5000.0)
POINT = FailurePoint(of=Sought.PODS, start=100, stop=400, slos=(STARTUP,))
INPUTS = DensityInputs(cluster="b", failure_point=POINT)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def read(folder: Path, density: dict[str, object], slos: object = "official") -> DensityInputs:
    """What task density of a document is told."""
    tasks = [{"task": "density", "with": density}, {"task": "assess", "with": {"SLOs": slos}}]
    path = folder / "experiment.json"
    path.write_text(json.dumps({"tasks": tasks}))
    inputs = load_experiment(path)[0].inputs
    assert isinstance(inputs, DensityInputs)
    return inputs


def test_what_holds_is_what_the_slos_say(tmp_path: Path) -> None:
    """A search takes the SLOs of the document, on figures of a single load, and no second list of limits."""
    limits = {"upper": {"density/pod-startup-latency-p99": 5000}, "lower": {"density/failure-point-soft": 200}}
    searched = {"of": "pods", "from": 100, "to": 400, "resolution": "5%", "within": "10m"}

    inputs = read(tmp_path, {"cluster": "b", "failurePoint": searched}, limits)

    assert inputs.failure_point == replace(POINT, resolution=0.05, within=600.0)
    assert [each.pods for each in inputs.extremes] == [100, 400]
    assert read(tmp_path, {"cluster": "b", "failurePoint": searched}).failure_point != inputs.failure_point


@pytest.mark.parametrize(
    ("density", "slos", "wrong"),
    [
        pytest.param({"pods": 5}, "official", "pods is what failurePoint searches: leave pods out", id="pods twice"),
        pytest.param({"failurePoint": {"from": 400}}, "official", "to must be more than from", id="backwards"),
        pytest.param({"failurePoint": {"from": 1.5}}, "official", "must be whole numbers of pods", id="half a pod"),
        pytest.param(
            {"failurePoint": {"to": 1200}}, "official", "have room for 1,100 pods, and 1,200", id="too many pods"
        ),
        pytest.param(
            {"failurePoint": {"of": "nodes", "to": 20_000}},
            "official",
            "share them out with agents: 2",
            id="too many nodes",
        ),
        pytest.param({"failurePoint": {"of": "cpus"}}, "official", "failurePoint.of", id="of what nobody makes"),
        pytest.param({"failurePoint": {"resolution": "0%"}}, "official", "a share such as 10%", id="no step"),
        pytest.param({"failurePoint": {"trials": 0}}, "official", "failurePoint.trials", id="no trial"),
        pytest.param(
            {}, {"lower": {"density/failure-point-soft": 200}}, "no SLO that a load could hold", id="only of the search"
        ),
        pytest.param({}, {"upper": {"http/error-count": 0}}, "no SLO that a load could hold", id="only of others"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    density: dict[str, object], slos: object, wrong: str, tmp_path: Path
) -> None:
    """Where it is written, before any cluster is touched."""
    searched: dict[str, object] = {"of": "pods", "from": 100, "to": 400}
    given = density | {"cluster": "b", "failurePoint": searched | density.get("failurePoint", {})}  # type: ignore[operator]
    document = {
        "tasks": [
            {"task": "http", "with": {"url": "http://a/"}},
            {"task": "density", "with": given},
            {"task": "assess", "with": {"SLOs": slos}},
        ]
    }
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps(document))

    with pytest.raises(ConfigurationError, match=wrong):
        load_experiment(path)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"tasks": ["density"]}, id="no assess"),
        pytest.param(
            {"tasks": ["density", "assess"], "assess": {"SLOs": {"lower": {"density/failure-point-hard": 9}}}},
            id="only of the search",
        ),
    ],
)
def test_a_group_is_told_what_its_search_lacks(values: dict[str, object]) -> None:
    """In its status, and not by a Job that fails: what holds is what the SLOs say, and there are none."""
    density = {"kubeconfigSecret": "b", "failurePoint": {"of": "pods", "from": 100, "to": 400}}
    spec = changed(SPEC, "specs.iter8.values", {**values, "density": density})

    with pytest.raises(ConfigurationError, match=r"density\.failurePoint: has no SLO that a load could hold"):
        group_from_object(group(spec))


@pytest.mark.parametrize("of", list(Sought))
def test_a_plan_says_how_many_pods_there_are(of: Sought) -> None:
    """What a plan says cannot be searched too: each trial would be of the same load, and all would hold or none."""
    inputs = replace(INPUTS, plan=plan_of(DensityInputs()), failure_point=replace(POINT, of=of))

    if of is Sought.NODES:
        assert [each.nodes for each in inputs.extremes] == [100, 400]
    else:
        with pytest.raises(ValueError, match=f"failurePoint searches {of}, which the plan says: search nodes"):
            _ = inputs.extremes


def signs(*, gap: float = 0.1) -> HardSigns:
    """What is seen of ten nodes and a hundred pods."""
    return HardSigns(nodes=10, pods=100, gap=gap)


@pytest.mark.parametrize("text", ["etcdserver: mvcc: database space exceeded", "etcdserver: NOSPACE alarm"])
def test_no_space_is_hard_at_once(text: str) -> None:
    """A full etcd takes no write any more, and the next look would say the same."""
    assert signs().wrote(text) == f"no space: {text}"


@pytest.mark.parametrize(
    ("writes", "broken"),
    [
        pytest.param("x" * 9, "", id="a restart"),
        pytest.param("x" * 10, "errors: 10 of 10 writes", id="unreachable"),
        pytest.param(".x" * 10, "errors: 10 of 20 writes", id="every other fails"),
        pytest.param("..x" * 30, "", id="a third fails"),
        pytest.param("x" * 9 + "." * 20 + "x" * 9, "", id="two restarts"),
    ],
)
def test_writes_that_fail_are_hard(writes: str, broken: str) -> None:
    """Half of the last twenty: an API server that is gone, or that fails; one that was restarted is back by then."""
    seen = signs()
    found = [seen.wrote("connection refused" if each == "x" else "") for each in writes]

    assert found[-1].startswith(broken)
    assert bool(found[-1]) == bool(broken)
    assert not any(found[:-1])


@pytest.mark.parametrize(
    ("running", "gap", "broken"),
    [
        pytest.param([0] * 32, 0.1, "stall: for 31 s not one more pod has come to run, and 0 of 100 did", id="none"),
        pytest.param([40] * 32, 0.1, "stall: for 31 s not one more pod has come to run, and 40 of 100 did", id="some"),
        pytest.param([100] * 60, 0.1, "", id="all"),
        pytest.param([n // 20 for n in range(60)], 0.1, "", id="slowly"),
        pytest.param([3] * 60, 20.0, "", id="as slowly as they are due"),
    ],
)
def test_a_stall_is_hard(running: list[int], gap: float, broken: str) -> None:
    """Half a minute without one more pod, where some are due; what is slow alone is for the SLOs to say."""
    seen = signs(gap=gap)

    assert [seen.start(count, at=10.0 + second) for second, count in enumerate(running)][-1] == broken


@pytest.mark.parametrize(("nodes", "lost", "is_hard"), [(10, 4, False), (10, 5, True), (1, 0, False), (1, 1, True)])
def test_nodes_that_are_lost_in_mass_are_hard(*, nodes: int, lost: int, is_hard: bool) -> None:
    """Half of them; one of many is not."""
    assert bool(HardSigns(nodes=nodes, pods=1, gap=0.0).lost(lost)) is is_hard


@pytest.mark.parametrize(
    ("ready", "calls", "broken"),
    [
        pytest.param(1.0, 12.0, "", id="well"),
        pytest.param(0.4, 12.0, "errors: the API server was ready at 40%", id="away"),
        pytest.param(0.9, None, "restart: the API server ended in mid-run", id="killed"),
        pytest.param(1.0, None, "", id="another API server answered"),
        pytest.param(None, None, "", id="nobody can say"),
    ],
)
def test_what_broke_meanwhile_is_seen_afterwards(ready: float | None, calls: float | None, broken: str) -> None:
    """An API server that was killed is back before ten writes have failed."""
    figures = {
        "density/api-availability": Metric(name="density/api-availability", unit="", value=ready),
        "density/api-call-latency-p99": Metric(
            name="density/api-call-latency-p99", unit="ms", value=calls, why="" if calls else RESTARTED
        ),
    }

    assert afterwards(figures).startswith(broken)
    assert bool(afterwards(figures)) == bool(broken)


def figures(p99: float | None, *, why: str = "", invalid: str = "") -> Findings:
    """What a load test found out."""
    metric = Metric(name=STARTUP.metric, unit="ms", value=p99, why=why)
    return Findings(message="100 pods ran", metrics=(metric,), invalid=invalid)


@pytest.mark.parametrize(
    ("found", "came"),
    [
        pytest.param(figures(4000.0), Trial(load=100, held=True, told="100 pods ran"), id="held"),
        pytest.param(
            figures(6000.0),
            Trial(
                load=100,
                told="1 of 1 SLO not met: density/pod-startup-latency-p99 is 6000 ms, above the limit of 5000 ms",
            ),
            id="not held",
        ),
        pytest.param(
            figures(4000.0, invalid="too late"), Trial(load=100, spoilt="too late", told="too late"), id="spoilt"
        ),
    ],
)
def test_a_trial_is_judged_as_any_run(found: Findings, came: Trial) -> None:
    """By the same judgement: a load that the rig could not make is none that failed."""
    assert judged(Trial(load=100), found, POINT) == came


def test_what_cannot_be_told_is_no_failure() -> None:
    """A load of which a figure is missing has neither held nor failed."""
    trial = judged(Trial(load=100), figures(None, why="there were none"), POINT)

    assert not trial.held
    assert "density/pod-startup-latency-p99 has no value: there were none" in trial.spoilt


def searched(trials: Sequence[Trial], *, why: str = "") -> Searched:
    """A search that ended after these."""
    ended = advance(search_of(INPUTS, POINT), trials)
    known = ended if isinstance(ended, Outcome) else outcome(search_of(INPUTS, POINT), trials, why=why)
    at = decisive(known, POINT)
    return Searched(point=POINT, outcome=known, trials=trials, figures=at and figures(4000.0 if at[1] else 6000.0))


def trials_of(soft: float, hard: float = inf, *, rig: float = inf) -> list[Trial]:
    """All trials of a search on a plant without noise."""
    made: list[Trial] = []
    while isinstance(step := advance(search_of(INPUTS, POINT), made), Step):
        load = step.load
        broke = "no space: the disk is full" if load >= hard else ""
        spoilt = "sent 3 s late" if load >= rig else ""
        made.append(
            Trial(
                load=load, held=not spoilt and not broke and load <= soft, hard=broke, spoilt=spoilt, told="so it was"
            )
        )
    return made


def verdict(found: Findings) -> tuple[Verdict, str]:
    """Of a run with nothing else, judged by the limit that a load had to hold, and by one on the search itself."""
    result = TaskResult(
        task="density", state=TaskState.DONE, metrics=found.metrics, invalid=found.invalid, notes=found.notes
    )
    judgement = judge((result,), assess(POINT.slos, {metric.name: metric for metric in found.metrics}))
    return judgement.verdict, judgement.message


@pytest.mark.parametrize(
    ("trials", "soft", "hard", "judged_as", "said"),
    [
        pytest.param(
            trials_of(200.0, 250.0),
            (195.0, (195.0, 214.0)),
            (259.0, (236.0, 259.0)),
            Verdict.PASS,
            "195 pods held the SLOs and 214 pods did not; 259 pods broke it: no space: the disk is full",
            id="both found",
        ),
        pytest.param(
            trials_of(500.0),
            (None, (400.0, inf)),
            (None, (400.0, inf)),
            Verdict.PASS,
            "the SLOs held at every load up to 400 pods; nothing broke up to 400 pods",
            id="all held",
        ),
        pytest.param(
            trials_of(50.0),
            (None, (0.0, 100.0)),
            (None, (100.0, inf)),
            Verdict.FAIL,
            "not even 100 pods held the SLOs; nothing broke up to 100 pods",
            id="none held",
        ),
        pytest.param(
            trials_of(500.0, rig=250.0),
            (None, (236.0, inf)),
            (None, (236.0, inf)),
            Verdict.INVALID,
            "236 pods held, and from where on the SLOs do not is not known: the rig gives way first at 259: sent",
            id="the rig gives way",
        ),
        pytest.param(
            trials_of(200.0)[:5],
            (None, (195.0, 259.0)),
            (None, (195.0, inf)),
            Verdict.NO_DATA,
            "the time is up",
            id="given up",
        ),
        pytest.param([], (None, None), (None, None), Verdict.NO_DATA, "the time is up", id="no trial at all"),
    ],
)
def test_what_a_search_says(trials: list[Trial], soft: object, hard: object, judged_as: Verdict, said: str) -> None:
    """Both points with their bounds; Pass only by the figures of a load that held, and never without an answer."""
    found = findings(searched(trials, why="the time is up"))

    points = {each.name: (each.value, each.between) for each in found.metrics}
    units = {each.unit for each in found.metrics if "failure-point" in each.name}
    told = verdict(found)
    assert said in found.message
    assert told[0] is judged_as, told
    if judged_as in (Verdict.PASS, Verdict.FAIL):
        assert (points["density/failure-point-soft"], points["density/failure-point-hard"]) == (soft, hard)
    assert units == {"pods"}
    assert all(each.value is not None or each.why for each in found.metrics)


def test_a_limit_on_the_point_is_met_where_all_held() -> None:
    """A control plane that holds every load was NoData for a limit that it is far above."""
    found = {each.name: each for each in findings(searched(trials_of(500.0))).metrics}
    least, most = (SLO(metric="density/failure-point-soft", bound=Bound.LOWER, limit=limit) for limit in (300.0, 500.0))

    met, unknown = assess((least, most), found)

    assert (met.verdict, met.observed) == (Verdict.PASS, 400.0)
    assert met.message == "density/failure-point-soft is at least this: the SLOs held at every load up to 400 pods"
    assert unknown.verdict is Verdict.NO_DATA


def test_every_load_is_told() -> None:
    """How often it held, and what was seen where it did not; a verdict quotes that of a load above the point."""
    notes = {each.text: each for each in findings(searched(trials_of(200.0, 250.0))).notes}

    assert "all other figures are those of a trial at 195 pods, the largest load that held" in notes
    broke = next(note for text, note in notes.items() if text.startswith("at 259 pods the SLOs held in 0 of"))
    assert "density/failure-point-soft" in broke.explains
    assert broke.weight == 1.0


def test_what_is_kept_says_the_same_again() -> None:
    """A search that was killed has its trials again, whatever was said of them; what is no state is refused."""
    trials = (*trials_of(200.0, 250.0), Trial(load=7.5, spoilt='"; drop', told="Wéb ✓", seconds=1.25, objects=3))
    kept = SearchState.of(trials, inputs="d", written=NOW, namespace="n")

    assert SearchState.read(kept.text) == kept
    assert SearchState.read(kept.text).made == trials
    for text in ("", "{", "[]", "{}", kept.text.replace('"load"', '"lead"'), "[" * 100_000):
        with pytest.raises(ConfigurationError):
            SearchState.read(text)


async def test_what_another_search_kept_is_left_alone(tmp_path: Path) -> None:
    """Trials are taken over from a dead run of the same search, not from another search or an old one."""
    said: list[str] = []
    context = context_on(None, said, environ={"XDG_STATE_HOME": str(tmp_path)})
    trials = tuple(trials_of(200.0))
    now = datetime.now(UTC)
    fresh = SearchState.of(trials, inputs="d", written=now, namespace="")

    async def handler(request: web.Request) -> web.StreamResponse:
        return listing() if "labelSelector" in request.query else status(404, "NotFound")

    async with serving(handler) as kube:
        keeping = Keeping(kube, context, "d")
        path = searches(context.environ) / "d.json"
        assert await keeping.recall() == ()
        await keeping.keep(trials[:3], namespace="autox-density-00000000")
        assert await keeping.recall() == trials[:3]
        for text, taken in (
            (fresh.text, trials),
            (fresh.model_copy(update={"inputs": "e"}).text, ()),
            (fresh.model_copy(update={"written": now - timedelta(hours=2)}).text, ()),
            ("spoilt", ()),
        ):
            path.write_text(text)
            assert await keeping.recall() == taken
        await keeping.forget()
        assert not path.exists()

    assert said == ["trials of a run before this one are not taken over: the kept state of a search is not JSON"]
