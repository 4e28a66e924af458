"""The values in effect of a group's experiment specs: what stands in Secrets and ConfigMaps, and in the group.

They are read each time that a group is looked at, so an edited Secret makes its experiments stale without any watch
on Secrets, which would show the controller every Secret of a namespace.

No message here repeats anything that was read: it may be a secret, also where YAML is broken.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from autox.api.tasks.kind import Load
from autox.api.tasks.table import KINDS
from autox.api.values import check_values, in_effect
from autox.core.experiments.deciding import DigestTrouble
from autox.core.experiments.merging import merge_values
from autox.core.experiments.naming import digest
from autox.core.experiments.turns import Turns
from autox.core.formats.yamltext import DuplicateKeyError, TooLargeError, YamlError, read_documents
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import AutoxError, ConfigurationError, ForbiddenError, NotFoundError
from autox.model.groups import ChartRef, ExperimentGroup, ExperimentSpec, ValuesKind, ValuesSource
from autox.model.refs import CONFIG_MAPS, SECRETS
from autox.model.trigger import TriggerSnapshot

NODES_LIMIT = 20_000
LOADING = frozenset({"grpc", *(name for name, kind in KINDS.items() if kind.load is not Load.NONE)})
"""The tasks that load something; charts of Iter8's own have grpc as well."""
LONGEST = timedelta(hours=1)  # as the chart says where nobody else does
_REASONS: dict[type[AutoxError], str] = {
    NotFoundError: "ValuesMissing",
    ForbiddenError: "ValuesForbidden",
    ConfigurationError: "ValuesInvalid",
}
_TOLD = tuple(_REASONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The values in effect of one spec.

    Attributes:
        values: for the chart; never shown. Do not mutate.
        digest: of chart and values.
    """

    values: Mapping[str, Any] = field(repr=False)
    digest: str


async def resolve(kube: KubeClient, group: ExperimentGroup) -> dict[str, Resolved | DigestTrouble]:
    """The values of each spec by the spec's name, or why they are not known.

    Raises:
        TransientError: a source could not be read this time.
    """
    resolved = await asyncio.gather(*(_resolve(kube, group, spec) for spec in group.specs))
    return {spec.name: each for spec, each in zip(group.specs, resolved, strict=True)}


def with_trigger(chart: ChartRef, values: Mapping[str, Any], trigger: TriggerSnapshot) -> Mapping[str, Any]:
    """The values that a chart is installed with: one of ours may have its experiment look at the pods under test.

    Args:
        chart: with one of somebody else's the values stay as they are.
        values: those in effect; they are never changed.
        trigger: as it was read; without a pod template there are no pods to look at.
    """
    if chart.repo or not trigger.template:
        return values
    ref = trigger.ref
    return {**values, "underTest": {"group": ref.group, "resource": ref.resource, "name": ref.name}}


def turns(resolved: Mapping[str, Resolved | DigestTrouble], *, now: datetime) -> Turns:
    """Which specs load and come to an end, by their values."""
    found = {name: _deadline(each.values) for name, each in resolved.items() if isinstance(each, Resolved)}
    return Turns(deadlines={name: each for name, each in found.items() if each is not None}, now=now)


def _deadline(values: Mapping[str, Any]) -> timedelta | None:
    """How long a run with these values may take; None if it does not load, or loops without an end."""
    tasks = values.get("tasks")
    loads = isinstance(tasks, list) and any(isinstance(each, str) and each in LOADING for each in tasks)
    if not loads or values.get("runner", "job") != "job":
        return None
    seconds = values.get("activeDeadlineSeconds")
    return timedelta(seconds=seconds) if isinstance(seconds, int) and seconds > 0 else LONGEST


async def _resolve(kube: KubeClient, group: ExperimentGroup, spec: ExperimentSpec) -> Resolved | DigestTrouble:
    sources = (_layer(kube, group.namespace, source) for source in spec.values_from)
    read = await asyncio.gather(*sources, return_exceptions=True)
    layers = [each for each in read if not isinstance(each, BaseException)]
    wrong = [each for each in read if isinstance(each, BaseException)]
    for error in wrong:
        # NB: what cannot be read this time hides whether it is there; the others are told at the next look.
        if not isinstance(error, _TOLD):
            raise error
    values = in_effect(spec.chart, merge_values((*layers, spec.values)))
    if layers and not wrong:
        # What stands in the group alone was checked with the group.
        what = f"the values of spec {spec.name}, merged from all their sources"
        try:
            check_values(spec.chart, values, what=what, at=("values",))
        except ConfigurationError as error:
            wrong.append(error)
    return _trouble(spec.name, wrong) if wrong else Resolved(values=values, digest=digest(spec.chart, values))


def _trouble(spec: str, wrong: Sequence[BaseException]) -> DigestTrouble:
    """Everything that is wrong, each thing once, under the reason of the first."""
    advice = list(dict.fromkeys(error.advice for error in wrong if isinstance(error, AutoxError)))
    reason = next(word for kind, word in _REASONS.items() if isinstance(wrong[0], kind))
    return DigestTrouble(reason=reason, message=f"spec {spec}: {'; '.join(each.rstrip('.') for each in advice)}")


async def _layer(kube: KubeClient, namespace: str, source: ValuesSource) -> Mapping[str, Any]:
    what = f"{source.kind} {namespace}/{source.name}"
    resource = SECRETS if source.kind is ValuesKind.SECRET else CONFIG_MAPS
    found = await kube.get(resource, source.name, namespace=namespace)
    text = _text(found, source, what)
    try:
        layers = read_documents(text)
    except TooLargeError:
        raise ConfigurationError(f"{what}: key {source.key} holds more than {NODES_LIMIT} values") from None
    except YamlError as error:
        # NB: not even chained: what YAML says about a text repeats pieces of it.
        where = f", line {error.line}," if error.line else ""
        wrong = "gives a key twice" if isinstance(error, DuplicateKeyError) else "is not valid YAML"
        raise ConfigurationError(f"{what}: key {source.key}{where} {wrong}") from None
    if not all(isinstance(each, dict | None) for each in layers):
        raise ConfigurationError(f"{what}: key {source.key} is YAML but holds no map of values")
    if _is_larger(layers, NODES_LIMIT):
        raise ConfigurationError(f"{what}: key {source.key} holds more than {NODES_LIMIT} values")
    # Several documents in one text are merged, as Helm does it.
    return merge_values(each for each in layers if each)


def _is_larger(values: Any, limit: int) -> bool:
    """Whether there are more values than that, each alias counted as what it stands for."""
    stack = [values]
    while stack and limit:
        limit -= 1
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            stack += value
    return bool(stack)


def _text(found: Object, source: ValuesSource, what: str) -> bytes:
    text = (found.get("data") or {}).get(source.key)
    if not isinstance(text, str):
        known = ", ".join(sorted(found.get("data") or {})) or "none"
        raise ConfigurationError(f"{what} has no key {source.key}", hint=f"Its keys are: {known}.")
    if source.kind is ValuesKind.CONFIG_MAP:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"{what}: key {source.key} is not base64") from error
