"""Gives load tests an identity of their own on the cluster under test: the least that they need, and a token.

An administrator's credentials would do as well, but bypass API priority and fairness, so that queueing does not show,
and would let whoever may read them do anything. Making it again changes nothing, and gives a new token; so whoever may
only ask for tokens renews what an administrator has made. Before a token is handed out its rights are asked for, one
by one: an API server learns of a role a moment after it was made, and another authorizer than RBAC may have its say.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field

from autox.kube.access import can, can_read
from autox.kube.client import KubeClient
from autox.kube.connection import FixedCredentials
from autox.kube.credentials import bearer
from autox.kube.handing import connection_with, kubeconfig_with
from autox.kube.objects import Object
from autox.kube.tokens import request_token
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS
from autox.tasks.density.rights import NAME, Right, manifests

FIELD_MANAGER = "autox-density"

_MADE = {each.kind: each for each in (SERVICE_ACCOUNTS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS)}
_ARRIVAL = 10.0  # seconds within which an API server knows of a role that was made just now
_KNOWN = 1.0  # seconds, of one that somebody else made
_LOOK = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What lets load tests in.

    Attributes:
        account: the service account: ``NAMESPACE/NAME``.
        kubeconfig: as JSON; it holds the token.
        expires: until when, as the API server says it: ``2026-01-02T03:04:05Z``.
    """

    account: str
    kubeconfig: Object = field(repr=False)
    expires: str


async def make(
    kube: KubeClient, namespace: str, rights: Collection[Right], paths: Collection[str], *, seconds: float
) -> Credentials:
    """Make the identity, or make it as it should be, and ask for a token.

    Args:
        kube: of the cluster under test, by a kubeconfig.
        namespace: of the service account, which is there.
        rights: that it has, see ``autox.tasks.density.rights``.
        paths: that it may read, likewise.
        seconds: how long the token is wanted to be good; at least 600. The API server may give less.

    Raises:
        ForbiddenError: we may not make what is not there yet, or the token may not do what it should.
        AutoxError: the API server cannot be reached, or refuses otherwise.
    """
    refusal = await _give(kube, manifests(namespace, rights, paths))
    try:
        token = await request_token(kube, namespace, NAME, seconds=seconds)
    except (ForbiddenError, NotFoundError) as error:
        raise refusal or error from error
    given = FixedCredentials(fixed=bearer(token.text, what="the token"))
    async with KubeClient(connection_with(kube.connection, given)) as other:
        if missing := await _missing_at_last(other, rights, paths, seconds=_KNOWN if refusal else _ARRIVAL):
            why = f"and we may not make its roles anew: {refusal.message}" if refusal else "though its roles say so"
            raise ForbiddenError(f"{namespace}/{NAME} may not {missing}, {why}")
    kubeconfig = kubeconfig_with(kube.connection, user=NAME, token=token.text)
    return Credentials(account=f"{namespace}/{NAME}", kubeconfig=kubeconfig, expires=token.expires)


async def _give(kube: KubeClient, bodies: Iterable[Object]) -> AutoxError | None:
    """Make what we may make; why the first of what we may not was refused."""
    refusal: ForbiddenError | None = None
    for body in bodies:
        try:
            await kube.apply(_MADE[body["kind"]], body, field_manager=FIELD_MANAGER)
        except ForbiddenError as error:
            refusal = refusal or error
    return refusal


async def _missing_at_last(
    kube: KubeClient, rights: Collection[Right], paths: Collection[str], *, seconds: float
) -> str:
    """What these credentials may not do so many seconds from now; in words, empty as soon as there is nothing."""
    deadline = time.monotonic() + seconds
    while True:
        missing = [each async for each in _missing(kube, rights, paths)]
        if not missing or time.monotonic() > deadline:
            return ", ".join(missing)
        await asyncio.sleep(_LOOK)


async def _missing(kube: KubeClient, rights: Collection[Right], paths: Collection[str]) -> AsyncIterator[str]:
    async def ask(right: Right, verb: str) -> bool:
        return await can(
            kube,
            verb,
            right.resource,
            namespace=right.namespace or None,
            name=right.name or None,
            subresource=right.subresource or None,
        )

    asked = [(right, verb) for right in rights for verb in right.verbs]
    answers = await asyncio.gather(*(ask(right, verb) for right, verb in asked))
    for (right, verb), is_allowed in zip(asked, answers, strict=True):
        if not is_allowed:
            yield f"{verb} {right.rule['resources'][0]}"
    for path in paths:
        if not await can_read(kube, path):
            yield f"get {path}"
