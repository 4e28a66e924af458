"""Helm's own memory of a release, opened only where it is wrong: is it legible, and may it say what is true.

Helm keeps a release as JSON, compressed and twice in base64, in one Secret. Whoever cuts it short or puts anything else
there makes a release that Helm can neither show nor uninstall. It holds rendered manifests, and so secrets: what is
read here is looked at and let go.
"""

import base64
import gzip
import json
import zlib
from typing import Any

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ConflictError, NotFoundError
from autox.model.refs import SECRETS

_KEY = "release"
_STORED, _DEPLOYED = "status", "deployed"
_LIMIT = 16 * 1024 * 1024  # bytes; a Secret holds one, compressed


async def is_legible(kube: KubeClient, secret: str, *, namespace: str) -> bool:
    """Whether Helm can make anything of what it has stored; also where it is not there at all.

    Args:
        kube: may read the Secret.
        secret: in which Helm keeps the release.
        namespace: of the release.

    Raises:
        AutoxError: nobody knows.
    """
    try:
        return _read(await kube.get(SECRETS, secret, namespace=namespace)) is not None
    except NotFoundError:
        return True


async def call_deployed(kube: KubeClient, secret: str, *, namespace: str, why: str) -> bool:
    """Have Helm remember a release as deployed; one whose memory makes no sense is left as it is.

    Args:
        kube: the client.
        secret: in which Helm keeps it.
        namespace: of the release.
        why: what ``helm status`` says of it from now on.

    Returns:
        Whether Helm remembers it so.

    Raises:
        AutoxError: it could not be read or written.
    """
    try:
        found = await kube.get(SECRETS, secret, namespace=namespace)
        release = _read(found)
        if release is None:
            return False
        release["info"] |= {"status": _DEPLOYED, "description": why}
        found["data"][_KEY] = _written(release)
        metadata(found)["labels"][_STORED] = _DEPLOYED
        await kube.replace(SECRETS, found)
    except (NotFoundError, ConflictError):
        return False  # Somebody is at it, Helm most likely; what it says then is looked at anew.
    return True


def _read(secret: Object) -> dict[str, Any] | None:
    """The release; None where there is none that Helm could read."""
    try:
        packed = base64.b64decode(base64.b64decode((secret.get("data") or {})[_KEY], validate=True), validate=True)
        # NB: bounded, for a few bytes may stand for gigabytes.
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        text = unpacking.decompress(packed, _LIMIT)
        release = json.loads(text) if unpacking.eof else None
    except (KeyError, TypeError, ValueError, zlib.error, RecursionError):
        return None
    names = metadata(secret).get("labels") or {}
    if not isinstance(release, dict) or not isinstance(release.get("info"), dict) or not release.get("manifest"):
        return None
    return release if release.get("name") == names.get("name") else None


def _written(release: dict[str, Any]) -> str:
    packed = gzip.compress(json.dumps(release, separators=(",", ":")).encode())
    return base64.b64encode(base64.b64encode(packed)).decode()
