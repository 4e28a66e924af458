"""What the files of a volume are to be: Secrets, ConfigMaps, downward API fields and tokens, by path and mode.

Writing them is ``atomicwriter.py``'s part. Messages are the kubelet's, since people search for them.
"""

import base64
import random
from collections.abc import Callable, Mapping
from typing import Any

from autox.kube.objects import Object
from autox.model.errors import AutoxError, NotFoundError, StartError, UnsupportedError
from autox.nodes.process.volumes.atomicwriter import ProjectedFile
from autox.nodes.process.volumes.downward import PodFacts, metadata_value, resource_value
from autox.nodes.process.volumes.sources import JITTER, Sources, Token, needs_refresh

_MODE = 0o644
_TOKEN_SECONDS = 3600
_REASON = "FailedMount"


class VolumeContent:
    """The files of one pod's volumes; remembers its tokens, and what it read that is immutable.

    Args:
        sources: where Secrets, ConfigMaps and tokens come from.
        clock: seconds since the epoch.
    """

    def __init__(self, sources: Sources, *, clock: Callable[[], float]) -> None:
        self._sources = sources
        self._clock = clock
        self._tokens: dict[tuple[str, str], Token] = {}
        self._immutable: dict[tuple[str, str], Object] = {}

    async def files(self, facts: PodFacts, volume: Object) -> dict[str, ProjectedFile] | None:
        """The files of a volume that is made of files; None for any other kind.

        Raises:
            StartError: something that is not optional is missing (reason ``FailedMount``).
            UnsupportedError: a projection that a process node does not offer.
        """
        name = volume["name"]
        if (secret := volume.get("secret")) is not None:
            return await self._keys(facts, "Secret", {**secret, "name": secret.get("secretName", "")}, _mode(secret))
        if (config_map := volume.get("configMap")) is not None:
            return await self._keys(facts, "ConfigMap", config_map, _mode(config_map))
        if (downward := volume.get("downwardAPI")) is not None:
            return _downward(facts, downward.get("items"), _mode(downward))
        if (projected := volume.get("projected")) is not None:
            files: dict[str, ProjectedFile] = {}
            for source in projected.get("sources") or []:
                files |= await self._projection(facts, name, source, _mode(projected))
            return files
        return None

    async def _projection(self, facts: PodFacts, volume: str, source: Object, mode: int) -> dict[str, ProjectedFile]:
        if (secret := source.get("secret")) is not None:
            return await self._keys(facts, "Secret", secret, mode)
        if (config_map := source.get("configMap")) is not None:
            return await self._keys(facts, "ConfigMap", config_map, mode)
        if (downward := source.get("downwardAPI")) is not None:
            return _downward(facts, downward.get("items"), mode)
        if (wanted := source.get("serviceAccountToken")) is not None:
            token = await self._token(facts, volume, wanted)
            return {wanted["path"]: ProjectedFile(content=token.text.encode(), mode=mode)}
        raise UnsupportedError(f"a process node does not offer projections of {', '.join(sorted(source)) or 'nothing'}")

    async def _token(self, facts: PodFacts, volume: str, wanted: Mapping[str, Any]) -> Token:
        place = (volume, wanted["path"])
        token = self._tokens.get(place)
        jitter = random.random() * JITTER  # noqa: S311  - spreads requests, guards nothing
        if token is None or needs_refresh(token, self._clock(), jitter=jitter):
            try:
                token = await self._sources.token(
                    facts,
                    audience=wanted.get("audience") or "",
                    expiration_seconds=wanted.get("expirationSeconds") or _TOKEN_SECONDS,
                )
            except AutoxError as error:
                # NB: an old token that still works is better than none; the next refresh asks again.
                if token is None or self._clock() >= token.expires_at:
                    raise StartError(f"failed to fetch token: {error.message}", reason=_REASON) from error
            self._tokens[place] = token
        return token

    async def _keys(
        self, facts: PodFacts, kind: str, reference: Mapping[str, Any], mode: int
    ) -> dict[str, ProjectedFile]:
        name, optional = reference.get("name", ""), bool(reference.get("optional"))
        try:
            data = _contents(kind, await self._object(facts.namespace, kind, name))
        except NotFoundError as error:
            if not optional:
                raise StartError(f'{kind.lower()} "{name}" not found', reason=_REASON) from error
            data = {}
        except AutoxError as error:
            raise StartError(f"{kind} {facts.namespace}/{name}: {error.message}", reason=_REASON) from error
        items = reference.get("items")
        if not items:
            return {key: ProjectedFile(content=content, mode=mode) for key, content in data.items()}
        files = {}
        for item in items:
            if item["key"] in data:
                files[item["path"]] = ProjectedFile(content=data[item["key"]], mode=_mode(item, mode))
            elif not optional:
                raise StartError(f"references non-existent {kind.lower()} key: {item['key']}", reason=_REASON)
        return files

    async def _object(self, namespace: str, kind: str, name: str) -> Object:
        if (kind, name) in self._immutable:
            return self._immutable[kind, name]
        read = self._sources.secret if kind == "Secret" else self._sources.config_map
        found = await read(namespace, name)
        if found.get("immutable"):
            self._immutable[kind, name] = found
        return found


def _contents(kind: str, found: Object) -> dict[str, bytes]:
    encoded = found.get("data" if kind == "Secret" else "binaryData") or {}
    contents = {key: base64.b64decode(value or "") for key, value in encoded.items()}
    if kind == "ConfigMap":
        contents |= {key: value.encode() for key, value in (found.get("data") or {}).items()}
    return contents


def _downward(facts: PodFacts, items: list[Object] | None, mode: int) -> dict[str, ProjectedFile]:
    files = {}
    for item in items or []:
        try:
            if "fieldRef" in item:
                value = metadata_value(facts, item["fieldRef"]["fieldPath"])
            else:
                value = resource_value(facts, item.get("resourceFieldRef") or {})
        except ValueError as error:
            raise StartError(str(error), reason=_REASON) from error
        files[item["path"]] = ProjectedFile(content=value.encode(), mode=_mode(item, mode))
    return files


def _mode(source: Mapping[str, Any], default: int = _MODE) -> int:
    """The mode that a volume or an item asks for: permissions alone, since nothing here runs as another user."""
    found = source.get("defaultMode", source.get("mode"))
    return default if found is None else int(found) & 0o777
