"""Makes the service accounts of clients, lets each do what its group does and nothing else, and says how it gets in.

Before a load begins each is asked by its own token whether it may: an API server learns of a role a moment after it was
made, and another authorizer than RBAC may have its say.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import partial

from autox.kube.access import can
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.handing import connection_with
from autox.kube.objects import metadata
from autox.kube.tokens import AccountCredentials
from autox.model.clientgroups import ClientGroup
from autox.model.errors import ForbiddenError, NotFoundError, UnsupportedError
from autox.model.refs import NAMESPACES
from autox.tasks.density.clients.accountobjects import account_name, account_objects, place_of
from autox.tasks.density.clients.asking import RESOURCES
from autox.tasks.density.insisting import insist
from autox.tasks.density.labels import RunLabels

LIFETIME = 3600.0
"""Seconds that a token is asked to be good, as those of pods: a run that is longer has several."""

_AT_ONCE = 16
_ARRIVAL = 10.0  # seconds within which an API server knows of a role that was made just now
_LOOK = 0.1


async def make(kube: KubeClient, groups: Iterable[ClientGroup], run_labels: RunLabels) -> Mapping[str, Connection]:
    """How each of the groups that have an account of their own gets in, by its name.

    Args:
        kube: of the cluster under test, by a kubeconfig.
        groups: of clients.
        run_labels: of the run, whose namespace is there.

    Raises:
        ForbiddenError: what it takes may not be made, or the accounts may not do what they should.
        UnsupportedError: the API server gives no tokens.
        AutoxError: it cannot be reached, or refuses otherwise.
    """
    own = [each for each in groups if each.own_account]
    if not own:
        return {}
    uid = str(metadata(await kube.get_metadata(NAMESPACES, run_labels.namespace))["uid"])
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(group: ClientGroup) -> Connection:
        async with turn:
            return await _made(kube, group, run_labels, uid=uid)

    return dict(zip((each.name for each in own), await asyncio.gather(*map(one, own)), strict=True))


async def _made(kube: KubeClient, group: ClientGroup, run_labels: RunLabels, *, uid: str) -> Connection:
    what = f"clients {group.name}: their service account"
    name = account_name(group)
    credentials = AccountCredentials(kube, run_labels.namespace, name, seconds=LIFETIME)
    try:
        for resource, body in account_objects(group, run_labels, uid=uid):
            await insist(partial(kube.create, resource, body))
        await credentials.headers()
    except ForbiddenError as error:
        raise ForbiddenError(
            f"{what} cannot be made: {error.message}",
            hint="Nobody may grant what he may not do himself, and a quota counts service accounts, too: allow it to"
            " whose kubeconfig this is, which `autox density credentials -f` of this experiment does, or leave out"
            " `as: serviceAccount`.",
        ) from error
    except NotFoundError as error:
        raise UnsupportedError(
            f"{what} gets no token: {error.message}",
            hint="Does this API server know TokenRequest? Leave out `as: serviceAccount` if not.",
        ) from error
    connection = connection_with(kube.connection, credentials)
    await _wait_until_allowed(connection, group, run_labels)
    return connection


async def _wait_until_allowed(connection: Connection, group: ClientGroup, run_labels: RunLabels) -> None:
    deadline = time.monotonic() + _ARRIVAL
    place = place_of(group, run_labels.namespace)
    async with KubeClient(connection) as kube:
        while not await can(kube, group.verb, RESOURCES[group.resource], namespace=place or None):
            if time.monotonic() > deadline:
                raise ForbiddenError(
                    f"clients {group.name}: their service account may not {group.verb} {group.resource} on"
                    f" {kube.server}, though its role says so",
                    hint="Another authorizer than RBAC may have its say there.",
                )
            await asyncio.sleep(_LOOK)
