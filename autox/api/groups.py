"""The custom resource ``ExperimentGroup``, and of the same cast the values ``groups`` of the chart ``autox``.

``group_from_object`` is where everything about a group is checked that can be known without looking at the trigger;
the CRD's schema and the chart's, made from these models, refuse most of it earlier.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from autox.api.conditions import ConditionsField
from autox.api.documents import Document, checked
from autox.api.experiments import PhaseName
from autox.api.fields import (
    ApiGroup,
    ApiResource,
    ApiVersion,
    DnsLabel,
    DnsName,
    LabelKey,
    LabelValue,
    NonEmpty,
    ObjectName,
    Shape,
    Time,
    VerdictName,
)
from autox.api.values import PACKAGED_CHARTS, check_chart, check_values
from autox.model import groups
from autox.model.errors import ConfigurationError
from autox.model.refs import ObjectRef

SPEC_NAME = r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"
_SPEC_NAME_IS = "the name of a spec: a DNS label of at most 40 characters"
LONGEST_GROUP_NAME = 63
_MOST_SPECS = 32


class TriggerSection(Document):
    """The object that is watched: its new versions are tested."""

    group: Annotated[ApiGroup, Field(description="API group; empty is the core group.")] = ""
    version: Annotated[ApiVersion, Field(description="API version, such as v1.")]
    resource: Annotated[ApiResource, Field(description="The plural, such as deployments.")]
    namespace: Annotated[DnsLabel, Field(description="Where the object is, and where its experiments run.")]
    name: Annotated[ObjectName, Field(description="Which object.")]


class OptInSection(Document):
    """The label by which the object asks to be tested."""

    label: Annotated[LabelKey, Field(description="The label's key.")] = groups.OPT_IN_LABEL
    value: Annotated[LabelValue, Field(description="The value that it must have.")] = "true"


NO_OPT_IN = "none"


def _opt_in(given: object) -> object:
    # NB: null is the same as nothing, and nothing is the usual label.
    return {NO_OPT_IN: None, None: {}}.get(given, given) if given is None or isinstance(given, str) else given


def _or_none(schema: dict[str, Any]) -> None:
    [section] = [each for each in schema.pop("anyOf") if "$ref" in each]
    # NB: a custom resource's field has one type or any; `properties` count for an object, `pattern` for a text.
    schema |= section | {
        "type": ["object", "string"],
        "pattern": f"^({NO_OPT_IN})$",
        "$comment": f"{NO_OPT_IN}, or a label and its value",
        "x-kubernetes-preserve-unknown-fields": True,
    }


class VersionSection(Document):
    """Where the version under test is read."""

    label: Annotated[LabelKey, Field(description="The label whose value is the version.")] = groups.VERSION_LABEL


class ValuesSourceSection(Document):
    """A Secret or ConfigMap in the group's namespace that holds chart values as YAML."""

    kind: Annotated[Literal["Secret", "ConfigMap"], Field(description="What holds them.")]
    name: Annotated[DnsName, Field(description="Of the Secret or ConfigMap.")]
    key: Annotated[
        str,
        Shape(pattern=r"[-._a-zA-Z0-9]+", most=253, what="a key of a Secret or ConfigMap"),
        Field(description="The key with the YAML."),
    ] = "values.yaml"


class SpecSection(Document):
    """One experiment: a Helm chart and its values."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": f"has(self.repo) || self.name in {list(PACKAGED_CHARTS)}",
                    "message": f"a chart without repo must be one of autox's package: {' or '.join(PACKAGED_CHARTS)}",
                    "fieldPath": ".name",
                }
            ]
        }
    )

    name: Annotated[
        NonEmpty, Field(max_length=253, description="The chart: experiment (also called iter8), or one of repo.")
    ]
    version: Annotated[str, Field(max_length=128, description="The chart's version, as text.")] = ""
    repo: Annotated[
        Annotated[str, Shape(pattern=r"(https?|oci)://\S+", most=2048, what="a URL: https://… or oci://…")] | None,
        Field(description="Where the chart comes from; without it, from autox's own package."),
    ] = None
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="For the chart.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    values_from: Annotated[
        tuple[ValuesSourceSection, ...],
        Field(max_length=16, description="More values, merged in order; those of the field values win over them."),
    ] = ()

    def value(self, name: str) -> groups.ExperimentSpec:
        """The spec as a value: the chart of its name, from no repository if none is given."""
        return groups.ExperimentSpec(
            name=name,
            chart=groups.ChartRef(name=self.name, version=self.version, repo=self.repo or ""),
            values=self.values,
            values_from=tuple(
                groups.ValuesSource(kind=groups.ValuesKind(each.kind), name=each.name, key=each.key)
                for each in self.values_from
            ),
        )


class HistorySection(Document):
    """How much is remembered."""

    limit: Annotated[
        int, Field(ge=0, le=1000, description="So many deleted experiments of each spec keep their record.")
    ] = 10


def _named(specs: dict[str, SpecSection]) -> dict[str, SpecSection]:
    for name in specs:
        if not re.fullmatch(SPEC_NAME[1:-1], name, re.ASCII):
            raise ValueError(f"{name[:80]!r} is not {_SPEC_NAME_IS}")
    return specs


class GroupSpec(Document):
    """What is to be watched, and what to run for each of its versions."""

    trigger: TriggerSection
    opt_in: Annotated[
        OptInSection | None,
        BeforeValidator(_opt_in),
        Field(
            description="The label by which the object asks to be tested; none: it need not ask.",
            json_schema_extra=_or_none,
        ),
    ] = OptInSection()
    version: VersionSection = VersionSection()
    specs: Annotated[
        dict[str, SpecSection],
        Field(
            min_length=1,
            max_length=_MOST_SPECS,
            description="The experiments by name.",
            json_schema_extra={
                "propertyNames": {"pattern": SPEC_NAME, "$comment": _SPEC_NAME_IS},
                "x-kubernetes-validations": [
                    {
                        "rule": f"self.all(name, name.matches('{SPEC_NAME}'))",
                        "message": f"a key must be {_SPEC_NAME_IS}",
                    }
                ],
            },
        ),
        AfterValidator(_named),
    ]
    retest: Annotated[
        Literal["onTemplateChange", "never"],
        Field(description="Whether another pod template under the same version label is tested again."),
    ] = "onTemplateChange"
    concurrency: Annotated[
        Literal["serial", "parallel"],
        Field(description="Whether the experiments that load run one after another, or side by side."),
    ] = "serial"
    suspend: Annotated[bool, Field(description="Launch nothing and delete nothing.")] = False
    history: HistorySection = HistorySection()


class SeenTrigger(Document):
    """The trigger object as it was last read."""

    uid: str = ""
    version: Annotated[str, Field(description="The value of the version label.")] = ""
    opted_in: Annotated[bool, Field(description="Whether it has the opt-in label.")] = False


class CurrentExperiment(Document):
    """The current experiment of a spec."""

    spec: str
    name: str
    phase: PhaseName
    verdict: VerdictName | None = None


class LastDecision(Document):
    """What was concluded last, and why."""

    time: Time
    action: Literal["Launch", "Delete", "Wait", "Keep", "Ignore"]
    spec: Annotated[str, Field(description="Empty when it concerns the whole group.")] = ""
    reason: str
    message: str


class GroupStatus(Document):
    """What the controller saw and did."""

    observed_generation: Annotated[int, Field(json_schema_extra={"format": "int64"})] = 0
    ready: Annotated[str, Field(description="Whether it works: True, False, or what it waits for.")] = ""
    trigger: SeenTrigger | None = None
    experiments: tuple[CurrentExperiment, ...] = ()
    last_decision: LastDecision | None = None
    conditions: ConditionsField = ()


class GroupObject(Document):
    """The whole object."""

    spec: GroupSpec
    status: GroupStatus | None = None


def group_from_object(obj: Mapping[str, Any]) -> groups.ExperimentGroup:
    """Check the custom resource and take it as a frozen value.

    The values of packaged charts are checked too, but for specs with ``valuesFrom``: only all values together are
    right or wrong, and those are checked when they have been read (``autox.api.values.check_values``).

    Raises:
        ConfigurationError: it does not make sense; names the object and each wrong field.
    """
    own = obj["metadata"]
    namespace, name = str(own["namespace"]), str(own["name"])
    what = f"experimentgroup {namespace}/{name}"
    if len(name) > LONGEST_GROUP_NAME:
        raise ConfigurationError(f"{what}: metadata.name: is longer than {LONGEST_GROUP_NAME} characters")
    spec = checked(obj.get("spec"), GroupSpec, what=what, at=("spec",))
    specs = tuple(section.value(each) for each, section in sorted(spec.specs.items()))
    for each in specs:
        check_chart(each.chart, what=what, at=f"spec.specs.{each.name}.")
        if not each.values_from:
            check_values(each.chart, each.values, what=what, at=("spec", "specs", each.name, "values"))
    trigger = spec.trigger
    return groups.ExperimentGroup(
        namespace=namespace,
        name=name,
        uid=str(own.get("uid", "")),
        generation=int(own.get("generation", 0)),
        trigger=ObjectRef(
            group=trigger.group,
            version=trigger.version,
            resource=trigger.resource,
            namespace=trigger.namespace,
            name=trigger.name,
        ),
        opt_in=None if spec.opt_in is None else groups.OptIn(label=spec.opt_in.label, value=spec.opt_in.value),
        version_label=spec.version.label,
        specs=specs,
        retest=groups.Retest(spec.retest),
        concurrency=groups.Concurrency(spec.concurrency),
        suspend=spec.suspend,
        history_limit=spec.history.limit,
    )
