"""A result, worded: what every form of the report shows, in the order in which a reader asks.

The verdict, then why, then the figures. The same result always gives the same document: nothing here looks at a
clock, and nothing is drawn at random (Iter8's histograms are). An SLO on an unknown metric is a row that says
``NoData``, not an error. What is too much for a page is counted and named, never silently dropped.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from autox.core.formats.yamltext import write_yaml
from autox.model.result import Bound, ExperimentResult, Loop, SLOOutcome, Subject, TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.report.figures import HELP, figures
from autox.report.graphs import graphs
from autox.report.legible import NAME, SENTENCE, legible, legible_block
from autox.report.profiles import profile_tables
from autox.report.quantities import against, between, count, distance, duration, moment
from autox.report.sections import (
    Breakdown,
    Distribution,
    Document,
    Fact,
    GraphTable,
    Headline,
    Look,
    LoopRow,
    Loops,
    Mark,
    MetricTable,
    SLORow,
    TaskRow,
)
from autox.report.story import since, story

MOST_METRICS = 1000
MOST_SLOS = 200
MOST_TASKS = 50
MOST_NOTES = 20
MOST_FACTS = 40
MOST_DISTRIBUTIONS = 12
MOST_GRAPHS = 60
MOST_PROFILES = 20
SLOS_NAMED = 3
_CONFIGURATION = 16_000  # characters

_LOOKS = {
    Verdict.PASS: Look.PASS,
    Verdict.FAIL: Look.FAIL,
    Verdict.WARN: Look.WARN,
    Verdict.NO_DATA: Look.UNKNOWN,
    Verdict.ERROR: Look.ERROR,
    Verdict.INVALID: Look.UNKNOWN,
}
_STATES = {TaskState.DONE: Look.NEUTRAL, TaskState.FAILED: Look.ERROR, TaskState.SKIPPED: Look.SKIPPED}
_SENTENCES = {
    None: "The experiment has not ended yet.",
    Verdict.PASS: "Every SLO is met.",
    Verdict.FAIL: "At least one SLO is not met.",
    Verdict.WARN: "The SLOs are met, with a warning.",
    Verdict.NO_DATA: "There is no data to judge by.",
    Verdict.ERROR: "A task could not do its work.",
    Verdict.INVALID: "The figures must not be believed.",
}
_SEVERITY = (Verdict.FAIL, Verdict.ERROR, Verdict.INVALID, Verdict.NO_DATA, Verdict.WARN, Verdict.PASS)

T = TypeVar("T")


def document(result: ExperimentResult, *, notice: str = "") -> Document:
    """Word a result.

    Args:
        result: from the runner or from anywhere; its text may be hostile and its figures any float.
        notice: what its reader must know first, which is not in the result: that there is a newer one.
    """
    left_out: list[str] = []
    tasks = _first(result.tasks, MOST_TASKS, "task", left_out)
    outcomes = sorted(result.slos, key=lambda outcome: _SEVERITY.index(outcome.verdict))
    helps = {name: legible(metric.help, HELP) for name, metric in result.metrics.items()}
    slos = tuple(_slo(each, helps) for each in _first(outcomes, MOST_SLOS, "SLO", left_out))
    room = MOST_METRICS
    hidden = 0
    tables: list[MetricTable] = []
    breakdowns: list[Breakdown] = []
    distributions: list[Distribution] = []
    drawn: list[GraphTable] = []
    for task in tasks:
        shown = figures(task.metrics[:room], result.slos)
        hidden += max(0, len(task.metrics) - room)
        room -= len(task.metrics[:room])
        if shown.rows:
            tables.append(MetricTable(title=legible(task.task, NAME), rows=shown.rows))
        breakdowns += shown.breakdowns
        breakdowns += profile_tables(task.task, _first(task.profiles, MOST_PROFILES, "profile", left_out))
        distributions += shown.distributions
        if task.series:
            kept = _first(task.series, MOST_GRAPHS, "graph", left_out)
            drawn.append(
                GraphTable(title=legible(task.task, NAME), graphs=graphs(kept, result.slos, since=since(result, task)))
            )
    if hidden:
        left_out.append(_left_out(hidden, "metric"))
    return Document(
        headline=_headline(result),
        notice=legible(notice),
        subject=_subject(result.subject),
        slos=slos,
        without_slos="" if slos else _without_slos(result),
        loops=_loops(result),
        distributions=_first(distributions, MOST_DISTRIBUTIONS, "distribution", left_out),
        graphs=tuple(drawn),
        tasks=tuple(_task(each) for each in tasks),
        metrics=tuple(tables),
        breakdowns=tuple(breakdowns),
        environment=_first(
            [
                Fact(name=legible(name, NAME), value=legible(value))
                for name, value in sorted(result.environment.items())
            ],
            MOST_FACTS,
            "environment line",
            left_out,
        ),
        left_out=tuple(left_out),
    )


def _headline(result: ExperimentResult) -> Headline:
    subject = result.subject
    summary = []
    if subject.version:
        summary.append(f"version {legible(subject.version, NAME)}")
    if result.completed_at is None:
        summary.append(f"began {moment(result.started_at)}")
    else:
        summary.append(f"took {between(result.started_at, result.completed_at)}")
        summary.append(f"ended {moment(result.completed_at)}")
    if result.loops > 1:
        summary.append(count(result.loops, "loop"))
    return Headline(
        title=legible(subject.experiment, NAME),
        verdict=_verdict(result.verdict),
        reason=legible(result.reason, NAME),
        sentence=legible(result.message) or _SENTENCES[result.verdict],
        story=story(result),
        summary=tuple(summary),
    )


def _subject(subject: Subject) -> tuple[Fact, ...]:
    named = (
        ("Experiment", "/".join(part for part in (subject.namespace, subject.experiment) if part)),
        ("Group", subject.group),
        ("Spec", subject.spec),
        ("Trigger", subject.trigger),
        ("Trigger uid", subject.trigger_uid),
        ("Version", subject.version),
        ("Pod template", subject.template),
        ("Images", ", ".join(subject.images[:MOST_FACTS])),
        ("Run by", subject.workload.replace("/", " ", 1)),
        ("Revision", str(subject.revision) if subject.revision else ""),
    )
    return tuple(Fact(name=name, value=legible(value)) for name, value in named if value)


def _slo(outcome: SLOOutcome, helps: Mapping[str, str]) -> SLORow:
    slo, unit = outcome.slo, legible(outcome.unit, 20)
    # NB: what failed without a value is infinitely late, which is no lack of data.
    is_infinite = outcome.observed is None and outcome.verdict is Verdict.FAIL
    limit, observed = against(slo.limit, math.inf if is_infinite else outcome.observed, unit)
    return SLORow(
        metric=legible(slo.metric, NAME),
        help=helps.get(slo.metric, ""),
        bound=slo.bound,
        limit=f"{'≤' if slo.bound is Bound.UPPER else '≥'} {limit}",
        observed=observed,
        distance=distance(slo, outcome.observed, unit),
        verdict=_verdict(outcome.verdict),
        message=legible(outcome.message),
        demand=f"always on: task {legible(outcome.demanded_by, NAME)} demands it" if outcome.demanded_by else "",
        observed_value=outcome.observed,
        limit_value=slo.limit,
    )


def _without_slos(result: ExperimentResult) -> str:
    """Why no SLO was judged: that somebody gave none is one reason of several."""
    undone = next((task for task in result.tasks if task.state is TaskState.FAILED), None)
    if result.verdict is None:
        return "None has been judged yet."
    if undone is None and result.verdict is not Verdict.ERROR:
        return "No SLO was given, so there is nothing that could pass. Name limits in the task assess."
    why = f"task {legible(undone.task, NAME)} failed" if undone else "the experiment did not get that far"
    given = _given(result)
    if result.tasks and not given:
        return f"No SLO was given, and none could have been judged: {why}."
    named = ": " + ", ".join(given[:SLOS_NAMED]) if given else ""
    more = f" and {len(given) - SLOS_NAMED} more" if len(given) > SLOS_NAMED else ""
    which = f"{count(len(given), 'SLO')} could" if given else "The SLOs could"
    return f"{which} not be judged, since {why}{named}{more}."


def _given(result: ExperimentResult) -> list[str]:
    """The SLOs that tasks were told to assess."""
    sections = [task.inputs.get("SLOs") for task in result.tasks]
    bounds = [section.get(bound) for section in sections if isinstance(section, Mapping) for bound in Bound]
    return [legible(str(metric), NAME) for limits in bounds if isinstance(limits, Mapping) for metric in limits]


def _task(task: TaskResult) -> TaskRow:
    invalid = legible(task.invalid)
    state = Mark(word=task.state.value, look=_STATES[task.state])
    notes = [legible(note.text) for note in task.notes[:MOST_NOTES]]
    if len(task.notes) > MOST_NOTES:
        notes.append(_left_out(len(task.notes) - MOST_NOTES, "note"))
    return TaskRow(
        name=legible(task.task, NAME),
        state=Mark(word="Invalid", look=Look.UNKNOWN) if invalid and task.state is TaskState.DONE else state,
        duration=duration(task.seconds) if task.state is not TaskState.SKIPPED else "",
        message=legible(task.message),
        invalid=invalid,
        notes=tuple(notes),
        configuration=_configuration(task.inputs),
    )


def _configuration(inputs: Mapping[str, Any]) -> str:
    if not inputs:
        return ""
    # NB: sorted, for an API server does not keep the order of keys, and the report is the same before and after.
    return legible_block(write_yaml(dict(inputs)).rstrip("\n"), _CONFIGURATION)


def _loops(result: ExperimentResult) -> Loops | None:
    if result.loops <= 1 and len(result.history) <= 1:
        return None
    totals = [(verdict, result.totals.get(verdict.value, 0)) for verdict in Verdict]
    summary = f"{count(result.loops, 'loop')} ended"
    if len(result.history) < result.loops:
        kept = len(result.history)
        summary += f"; the latest {kept} are shown" if kept > 1 else "; the latest one is shown" if kept else ""
    return Loops(
        summary=summary,
        totals=tuple((_verdict(verdict), f"{number:,}") for verdict, number in totals if number),
        rows=tuple(_loop(loop) for loop in result.history),
    )


def _loop(loop: Loop) -> LoopRow:
    return LoopRow(
        number=str(loop.number),
        started=moment(loop.started_at),
        duration=between(loop.started_at, loop.completed_at),
        verdict=_verdict(loop.verdict),
        message=legible(loop.message, SENTENCE // 4) or legible(loop.reason, NAME),
    )


def _verdict(verdict: Verdict | None) -> Mark:
    if verdict is None:
        return Mark(word="Running", look=Look.RUNNING)
    return Mark(word=verdict.value, look=_LOOKS[verdict])


def _first(items: Sequence[T], limit: int, noun: str, left_out: list[str]) -> tuple[T, ...]:
    if len(items) > limit:
        left_out.append(_left_out(len(items) - limit, noun))
    return tuple(items[:limit])


def _left_out(number: int, noun: str) -> str:
    return f"{count(number, noun)} more: see the JSON form (autox report -o json)"
