"""The values in effect of a group's experiment specs: what stands in Secrets and ConfigMaps, and in the group.

They are read each time that a group is looked at, so an edited Secret makes its experiments stale without any watch
on Secrets, which would show the controller every Secret of a namespace.

No message here repeats anything that was read: it may be a secret, also where YAML is broken.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autox.api.documents import parse_yaml
from autox.api.values import check_values
from autox.core.deciding import DigestTrouble
from autox.core.merging import merge_values
from autox.core.naming import digest
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ConfigurationError, ForbiddenError, NotFoundError
from autox.model.groups import ExperimentGroup, ExperimentSpec, ValuesKind, ValuesSource
from autox.model.refs import CONFIG_MAPS, SECRETS

NODES_LIMIT = 20_000


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


async def _resolve(kube: KubeClient, group: ExperimentGroup, spec: ExperimentSpec) -> Resolved | DigestTrouble:
    try:
        layers = await asyncio.gather(*(_layer(kube, group.namespace, source) for source in spec.values_from))
        values = merge_values((*layers, spec.values))
        if layers:
            # What stands in the group alone was checked with the group.
            what = f"the values of spec {spec.name}, merged from all their sources"
            check_values(spec.chart, values, what=what, at=("values",))
        return Resolved(values=values, digest=digest(spec.chart, values))
    except NotFoundError as error:
        return DigestTrouble(reason="ValuesMissing", message=f"spec {spec.name}: {error.advice}")
    except ForbiddenError as error:
        return DigestTrouble(reason="ValuesForbidden", message=f"spec {spec.name}: {error.advice}")
    except ConfigurationError as error:
        return DigestTrouble(reason="ValuesInvalid", message=f"spec {spec.name}: {error.advice}")


async def _layer(kube: KubeClient, namespace: str, source: ValuesSource) -> Mapping[str, Any]:
    what = f"{source.kind} {namespace}/{source.name}"
    resource = SECRETS if source.kind is ValuesKind.SECRET else CONFIG_MAPS
    found = await kube.get(resource, source.name, namespace=namespace)
    text = _text(found, source, what)
    try:
        values = parse_yaml(text, what="")
    except ConfigurationError:
        # NB: not even chained: what YAML says about a text repeats pieces of it.
        raise ConfigurationError(f"{what}: key {source.key} is not valid YAML") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{what}: key {source.key} is YAML but holds no map of values")
    if _is_larger(values, NODES_LIMIT):
        raise ConfigurationError(f"{what}: key {source.key} holds more than {NODES_LIMIT} values")
    return values


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
