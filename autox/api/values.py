"""The values of the chart ``experiment`` (also called ``iter8``), with the names that Iter8 documents.

``charts/experiment/values.schema.json`` is made from these models, and the controller checks the values of a spec by
them before it launches anything, so that a mistake is told where it was made and not by a Job that fails.

Stricter than Iter8 on purpose: the inputs of a task that is not listed are an error (they are a forgotten entry in
``tasks``, and Iter8 would silently not run it), and so are unknown keys.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, create_model, model_validator

from autox import __version__
from autox.api.documents import Document, checked
from autox.api.fields import ApiGroup, ApiResource, CronSchedule, DnsName, Duration, NonEmpty, ObjectName, TimeZone
from autox.api.pods import Beside, CaBundle, PodOptions, Variable
from autox.api.tasks import assess
from autox.api.tasks.measuring import METRICS
from autox.api.tasks.table import KINDS, TaskName
from autox.core.experiments.merging import without_nulls
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef

PACKAGED_CHARTS = ("experiment", "iter8")
"""Charts of autox's own package; the second is another name for the first."""

TASKS = tuple(KINDS)

OWN_VARIABLES = ("NAMESPACE", "POD_NAME", "NODE_NAME", "WORKLOAD", "AUTOX_LOG_LEVEL", "AUTOX_CA_BUNDLE")
"""What the container of an experiment is told by the chart."""

# NB: a misspelt task is told as such, and not as a task that is missing.
_KNOWN = {"properties": {"tasks": {"items": {"enum": list(TASKS)}}}}


def _rules() -> dict[str, Any]:
    """What JSON Schema is told of the rules between fields."""
    listed = {task: {"properties": {"tasks": {"contains": {"const": task}}}, "required": ["tasks"]} for task in TASKS}
    return {
        "allOf": [
            *({"if": rule, "then": {"required": [task]}} for task, rule in listed.items()),
            *({"if": {"required": [task], **_KNOWN}, "then": rule} for task, rule in listed.items()),
            *(_metrics_need(task, rule) for task, rule in listed.items() if task in METRICS),
            _official_needs({task: rule for task, rule in listed.items() if KINDS[task].official}),
            {
                "if": {"properties": {"runner": {"const": "cronjob"}}, "required": ["runner"]},
                "then": {"required": ["cronjobSchedule"]},
            },
        ]
    }


def _metrics_need(task: str, listed: dict[str, Any]) -> dict[str, Any]:
    what = f"a metric of a task that is listed in tasks; {task} is not"
    other = {"patternProperties": {f"^{task}/": {"if": {"not": {"type": "null"}}, "then": {"const": what}}}}
    return _where_missing([listed], {"properties": {"upper": other, "lower": other}})


def _official_needs(listed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    what = f"about a task that is listed in tasks; {' and '.join(listed)} is not"
    return _where_missing([*listed.values()], {"if": {"type": "string"}, "then": {"const": what}})


def _where_missing(listed: list[dict[str, Any]], slos: dict[str, Any]) -> dict[str, Any]:
    missing = {"allOf": [_KNOWN, *({"not": each} for each in listed)]}
    return {"if": missing, "then": {"properties": {assess.KIND.name: {"properties": {assess.KIND.slos: slos}}}}}


class ImageSection(Document):
    """The image that the experiment's container runs."""

    repository: Annotated[NonEmpty, Field(description="Without the tag.")] = "autox"
    tag: Annotated[str, Field(description="Empty is the chart's own version.")] = ""
    pull_policy: Annotated[Literal["IfNotPresent", "Always", "Never"], Field(description="When to pull it.")] = (
        "IfNotPresent"
    )


class UnderTestSection(Document):
    """The object whose pods are under test: the experiment may read it, to see whether they were replaced."""

    group: ApiGroup = ""
    resource: ApiResource
    name: ObjectName


class _Values(PodOptions):
    """The values of the chart, but for what its tasks are told."""

    model_config = ConfigDict(json_schema_extra=_rules())

    tasks: Annotated[
        tuple[TaskName, ...],
        Field(
            min_length=1,
            description="The tasks, in the order in which they run.",
            json_schema_extra={"uniqueItems": True},
        ),
    ]
    runner: Annotated[
        Literal["job", "cronjob", "none"],
        Field(description="Run once, run on a schedule, or make everything but what runs."),
    ] = "job"
    cronjob_schedule: Annotated[CronSchedule | None, Field(description="When a cronjob runs.")] = None
    time_zone: Annotated[
        TimeZone | None, Field(description="Of cronjobSchedule; else that of the cluster's controller manager.")
    ] = None
    under_test: Annotated[
        UnderTestSection | None,
        Field(description="Whose pods are under test; the controller says it."),
    ] = None
    image: ImageSection = ImageSection()
    resources: dict[str, Any] = Field(default_factory=dict, description="Of the container, as in a pod.")
    env: Annotated[
        tuple[Variable, ...], Beside(OWN_VARIABLES), Field(description="More variables of the container.")
    ] = ()
    ca_bundle: Annotated[
        CaBundle | None, Field(description="Certificates that are trusted beside the system's, by the load too.")
    ] = None
    service_account_name: Annotated[
        DnsName | None, Field(description="Run as this one, and make no ServiceAccount, Role and RoleBinding.")
    ] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="How much is logged.")] = (
        "info"
    )
    active_deadline_seconds: Annotated[
        int, Field(ge=1, le=7 * 24 * 3600, description="A loop that takes longer is ended.")
    ] = 3600
    start_timeout: Annotated[
        Duration, Field(description="A loop of which nothing runs within this is ended, and the reason told.")
    ] = "5m"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wrong = [f"tasks has {task} more than once" for task in TASKS if self.tasks.count(task) > 1]
        for task in TASKS:
            told = getattr(self, task) is not None
            if task in self.tasks and not told:
                wrong.append(f"{task}: is required, for {task} is among the tasks")
            if told and task not in self.tasks:
                wrong.append(f"{task}: is not among the tasks; list it in tasks or remove its inputs")
        if self.runner == "cronjob" and self.cronjob_schedule is None:
            wrong.append("cronjobSchedule: is required by runner cronjob")
        judge = assess.KIND.name
        judged: assess.AssessSection | None = getattr(self, judge)
        if not wrong and judged is not None:
            before = self.tasks[: self.tasks.index(judge)]
            wrong += [f"{judge}.{trouble}" for trouble in judged.without_data(before)]
        if not wrong:
            slos = () if judged is None else judged.value().slos
            lacking = ((task, KINDS[task].lacks(getattr(self, task), slos)) for task in self.tasks)
            wrong += [f"{task}.{trouble}" for task, trouble in lacking if trouble]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


_INPUTS: dict[str, Any] = {name: (kind.chart_section | None, None) for name, kind in KINDS.items()}
ExperimentValues: type[_Values] = create_model(
    "ExperimentValues", __base__=_Values, __doc__="The values of the chart.", **_INPUTS
)


def check_chart(chart: ChartRef, *, what: str, at: str = "") -> None:
    """Check that a chart without a repo is one of autox's package, and of its version.

    Args:
        chart: as the user named it; nothing is said of one with a repo.
        what: the document that names it, for messages: ``experimentgroup shop/web``.
        at: the field in it that the chart is, with a final dot: ``spec.specs.load.``; empty if it is the whole of it.

    Raises:
        ConfigurationError: it is not; ``what`` and the field are named.
    """
    if chart.repo:
        return
    if chart.name not in PACKAGED_CHARTS:
        raise ConfigurationError(
            f"{what}: {at}name: {chart.name[:80]!r} is not a chart of autox's package",
            hint=f"Name {' or '.join(PACKAGED_CHARTS)}, or give repo: where the chart comes from.",
        )
    # NB: the numbers of Iter8's own chart mean nothing here, and documented commands have them.
    if chart.name == PACKAGED_CHARTS[0] and chart.version not in ("", __version__):
        raise ConfigurationError(
            f"{what}: {at}version: autox's package has chart {chart.name} {__version__}, not {chart.version[:80]!r}",
            hint="Leave version out, or give repo: where that version comes from.",
        )


def check_values(chart: ChartRef, values: Mapping[str, Any], *, what: str, at: tuple[int | str, ...] = ()) -> None:
    """Check the complete values of a packaged chart; those of other charts are left to Helm.

    Args:
        chart: what is to be installed.
        values: all of them, those from Secrets and ConfigMaps merged in.
        what: begins the error: which object the spec stands in.
        at: where in it the values stand.

    Raises:
        ConfigurationError: names every wrong field.
    """
    if not chart.repo:
        checked(in_effect(chart, values), ExperimentValues, what=what, at=at)


def in_effect(chart: ChartRef, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a chart is told by these values: for a packaged one, null is as good as absent."""
    return values if chart.repo else without_nulls(values)
