"""The result of an experiment in the two places where it may lie: the record's status, and the Secret ``NAME-result``.

What has room stands in ``status.result``; else the whole lies, compressed, in the Secret, which the release brought
and which ``status.resultSecret`` names, and a short form stands in the status. A release without a record has the
Secret alone. Which form fits is decided in ``runnerstatus`` next door; how it looks, in ``autox.api.results``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from autox.api.results import compact, result_from_gzip, result_from_object, result_to_gzip
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ConfigurationError, NotFoundError
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.model.result import ExperimentResult
from autox.store.runnerstatus import FIELD_MANAGER

SECRET_LIMIT = 1_000_000
"""Bytes of a Secret's data; the API server takes 1 MiB of all keys together."""

_KEY = "result.json.gz"


def result_secret(name: str) -> str:
    """The name of the Secret beside an experiment."""
    return f"{name}-result"


def in_status(status: Mapping[str, Any]) -> ExperimentResult | None:
    """The result in the status of a record, whole or in its short form; None if there is none.

    Raises:
        ConfigurationError: what is there is no result.
    """
    return result_from_object(status["result"]) if status.get("result") else None


def in_secret(secret: Object) -> ExperimentResult | None:
    """The result in the Secret beside an experiment; None if nothing was put there yet.

    Raises:
        ConfigurationError: what is there is no result.
    """
    try:
        packed = base64.b64decode((secret.get("data") or {}).get(_KEY) or "", validate=True)
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError("the stored result is not base64") from error
    return result_from_gzip(packed) if packed else None


async def read_result(kube: KubeClient, namespace: str, name: str) -> ExperimentResult | None:
    """The result of an experiment with a record; None if it has none yet.

    Where the Secret with the whole of it is gone, it is the short form in the status.

    Args:
        kube: may read the record, and the Secret if it names one.
        namespace: of both.
        name: the experiment's.

    Raises:
        NotFoundError: there is no such record.
        ConfigurationError: what is there is no result.
        AutoxError: it cannot be read.
    """
    found = (await kube.get(EXPERIMENTS, name, namespace=namespace)).get("status")
    status: Mapping[str, Any] = found if isinstance(found, dict) else {}
    kept = await read_secret(kube, namespace, name) if status.get("resultSecret") else None
    return kept or in_status(status)


async def read_secret(kube: KubeClient, namespace: str, name: str) -> ExperimentResult | None:
    """The result beside an experiment; None if there is no such Secret, or nothing in it yet.

    Args:
        kube: may read the Secret.
        namespace: the Secret's.
        name: the experiment's.

    Raises:
        ConfigurationError: what is there is no result.
        AutoxError: it cannot be read.
    """
    try:
        return in_secret(await kube.get(SECRETS, result_secret(name), namespace=namespace))
    except NotFoundError:
        return None


async def write_secret(kube: KubeClient, namespace: str, name: str, result: ExperimentResult) -> str:
    """Put a result beside an experiment: the whole, or without buckets, series and history what would be too large.

    Args:
        kube: may patch the Secret.
        namespace: the Secret's.
        name: the experiment's.
        result: what is kept.

    Returns:
        The name of the Secret, for ``status.resultSecret``.

    Raises:
        NotFoundError: the release has brought no Secret.
        AutoxError: it cannot be written.
    """
    packed = result_to_gzip(result)
    if len(packed) > SECRET_LIMIT:
        packed = result_to_gzip(compact(result))
    data = {_KEY: base64.b64encode(packed).decode()}
    secret = result_secret(name)
    await kube.patch(SECRETS, secret, {"data": data}, namespace=namespace, field_manager=FIELD_MANAGER)
    return secret
