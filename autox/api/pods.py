"""What users of the charts say about the pods, under the names that charts of Helm have for it.

The pods of an experiment, of the controller and of agents of virtual nodes all take the same. Nothing here takes the
place of what a chart sets itself: its labels, which selectors and roles rely on, and its variables are refused by name.
What only the API server knows (affinity, where the value of a variable comes from) is passed on as in a pod.

Rejected: letting the chart's own win without a word. Whoever sets something wants it to count.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from autox.api.documents import Document
from autox.api.fields import LABEL_KEY, DnsName, Exclusion, LabelKey, LabelValue, Shape

_OWN = Exclusion(
    pattern=r"app\.kubernetes\.io/(name|instance|version|managed-by|part-of|component)|helm\.sh/.+|autox\.dev/.+"
    r"|batch\.kubernetes\.io/.+|controller-uid|job-name",
    what="another key: the chart or Kubernetes sets this one itself",
)


def _keys(given: dict[str, str], *checks: Shape | Exclusion) -> dict[str, str]:
    for key in given:
        for each in checks:
            try:
                each.check(key)
            except ValueError as error:
                raise ValueError(f"{key[:80]!r}: {error}") from None
    return given


def _labels(given: dict[str, str]) -> dict[str, str]:
    return _keys(given, LABEL_KEY)


def _other_labels(given: dict[str, str]) -> dict[str, str]:
    return _keys(given, LABEL_KEY, _OWN)


# NB: not dict[LabelKey, …]: what pydantic makes of that has no words for a wrong key.
_KEYED: dict[str, Any] = {"propertyNames": {"pattern": f"^({LABEL_KEY.pattern})$", "$comment": LABEL_KEY.what}}
_KEYED_BESIDE_OURS: dict[str, Any] = {
    **_KEYED,
    "allOf": [
        {
            "patternProperties": {
                f"^({_OWN.pattern})$": {"if": {"not": {"type": "null"}}, "then": {"const": _OWN.what}},
            }
        }
    ],
}


class PullSecret(Document):
    """A Secret with which images are pulled."""

    name: DnsName


class Toleration(Document):
    """A taint that the pods put up with."""

    key: LabelKey | None = None
    operator: Literal["Exists", "Equal", "Lt", "Gt"] | None = None
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class Affinity(Document):
    """To nodes and to other pods, as in a pod."""

    node_affinity: dict[str, Any] = Field(default_factory=dict)
    pod_affinity: dict[str, Any] = Field(default_factory=dict)
    pod_anti_affinity: dict[str, Any] = Field(default_factory=dict)


class Variable(Document):
    """A variable of the environment."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["value"]},
            "then": {
                "properties": {"valueFrom": {"if": {"not": {"type": "null"}}, "then": {"const": "absent beside value"}}}
            },
        }
    )

    name: Annotated[
        str,
        Shape(pattern=r"[A-Za-z_][A-Za-z0-9_]*", most=253, what="a name of letters, digits and '_', no digit first"),
    ]
    value: Annotated[str | None, Field(description="A text.")] = None
    value_from: Annotated[
        dict[str, Any] | None, Field(min_length=1, description="Or where it comes from, as in a pod.")
    ] = None

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if self.value is not None and self.value_from is not None:
            raise ValueError("give value or valueFrom, and not both")
        return self


@dataclass(frozen=True, slots=True)
class Beside:
    """Of a list of variables: none is one that the chart sets itself, and none is given twice.

    Attributes:
        own: the names that the chart sets, each a regular expression.
    """

    own: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "allOf": [{"items": {"properties": {"name": self._others.schema}}}]}

    @property
    def _others(self) -> Exclusion:
        return Exclusion(pattern="|".join(self.own), what="another name: the chart sets this one itself")

    def _check(self, variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
        names = [each.name for each in variables]
        for name in names:
            try:
                self._others.check(name)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)}: is given more than once")
        return variables


class CaBundle(Document):
    """Certificates (PEM) that are trusted beside the system's: from a ConfigMap or a Secret of the pod's namespace."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["configMap"]}, {"required": ["secret"]}]})

    config_map: Annotated[DnsName | None, Field(description="The ConfigMap that holds them.")] = None
    secret: Annotated[DnsName | None, Field(description="Or the Secret.")] = None
    key: Annotated[
        str,
        Shape(pattern=r"[-._a-zA-Z0-9]+", most=253, what="a key of a Secret or ConfigMap"),
        Field(description="The key with the certificates."),
    ] = "ca.crt"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.config_map is None) == (self.secret is None):
            raise ValueError("give either configMap or secret: where the certificates are")
        return self


class PodOptions(Document):
    """What the pods of each chart take."""

    image_pull_secrets: Annotated[
        tuple[PullSecret, ...], Field(description="With which images are pulled; in the pod's namespace.")
    ] = ()
    node_selector: Annotated[dict[str, LabelValue], AfterValidator(_labels)] = Field(
        default_factory=dict, description="Labels that a node must have to run the pods.", json_schema_extra=_KEYED
    )
    tolerations: Annotated[tuple[Toleration, ...], Field(description="Taints that the pods put up with.")] = ()
    affinity: Affinity = Field(default_factory=Affinity, description="To nodes and to other pods, as in a pod.")
    pod_labels: Annotated[dict[str, LabelValue], AfterValidator(_other_labels)] = Field(
        default_factory=dict, description="Of the pods, beside the chart's own.", json_schema_extra=_KEYED_BESIDE_OURS
    )
    pod_annotations: Annotated[dict[str, str], AfterValidator(_other_labels)] = Field(
        default_factory=dict, description="Of the pods.", json_schema_extra=_KEYED_BESIDE_OURS
    )
    priority_class_name: Annotated[DnsName | None, Field(description="How the pods rank when there is no room.")] = None
