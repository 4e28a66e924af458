"""Where what a user names is. One rule for every command: ``-n`` is the namespace of what is named, ``-A`` finds it.

What is named is an experiment (NAME), a group (``-g``) or an object (KIND/NAME); a group's experiments are those of the
group, in whatever namespace its trigger is. ``-A`` wins over ``-n``, as in kubectl, and does not guess: a name that is
there twice is told with its places.

Rejected: the namespace of experiments for ``-g``, which was right in one command and wrong in the next as soon as a
group and its trigger were not in one namespace.
"""

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ConfigurationError, ForbiddenError, NotFoundError
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, SECRETS, Resource
from autox.store.experiments import Readings, experiments
from autox.store.results import result_secret


async def place_of(kube: KubeClient, resource: Resource, name: str, *, namespace: str | None) -> str:
    """The namespace of an object.

    Args:
        kube: the client.
        resource: its kind.
        name: its name.
        namespace: where it is; None for wherever it is.

    Raises:
        NotFoundError: it is nowhere.
        ConfigurationError: there are several.
        AutoxError: they cannot be listed.
    """
    if namespace is not None:
        return namespace
    return _only(await _places(kube, resource, name), f"{resource.kind} {name}")


async def place_of_experiment(kube: KubeClient, name: str, *, namespace: str | None) -> str:
    """The namespace of an experiment, or of a release that is one.

    Args:
        kube: the client.
        name: of the experiment or release.
        namespace: where it is; None for wherever it is, by its record or by the Secret of its result.

    Raises:
        NotFoundError: it is nowhere.
        ConfigurationError: there are several.
        AutoxError: they cannot be listed.
    """
    if namespace is not None:
        return namespace
    found = await _places(kube, EXPERIMENTS, name)
    try:
        found |= await _places(kube, SECRETS, result_secret(name))
    except ForbiddenError:
        if not found:
            raise
    return _only(found, f"experiment {name}")


async def experiments_of(kube: KubeClient, group: str, *, namespace: str | None, spec: str = "") -> Readings:
    """The experiments of a group, wherever its trigger is or was.

    Args:
        kube: the client.
        group: its name.
        namespace: its own; None for all groups of that name.
        spec: of this experiment spec only.

    Raises:
        NotFoundError: the cluster knows no experiments.
        AutoxError: they cannot be listed.
    """
    try:
        return await experiments(kube, namespace=None, group=group, group_namespace=namespace or "", spec=spec)
    except ForbiddenError:
        if namespace is None:
            raise
    # NB: who may not list all of them may list those of one namespace, most often that of the trigger.
    where = await _of_trigger(kube, namespace, group)
    return await experiments(kube, namespace=where, group=group, group_namespace=namespace, spec=spec)


async def _of_trigger(kube: KubeClient, namespace: str, group: str) -> str:
    try:
        found = (await kube.get(EXPERIMENT_GROUPS, group, namespace=namespace)).get("spec") or {}
    except (NotFoundError, ForbiddenError):
        return namespace
    return str((found.get("trigger") or {}).get("namespace") or namespace)


async def _places(kube: KubeClient, resource: Resource, name: str) -> set[str]:
    try:
        found: list[Object] = (await kube.list_metadata(resource, field_selector=f"metadata.name={name}")).items
    except NotFoundError:
        return set()
    return {str(metadata(each)["namespace"]) for each in found}


def _only(found: set[str], what: str) -> str:
    if not found:
        raise NotFoundError(f"there is no {what} in any namespace", hint="`autox history -A` lists all experiments.")
    if len(found) > 1:
        raise ConfigurationError(
            f"there are several: {what} is in namespaces {', '.join(sorted(found))}", hint="-n chooses one."
        )
    return found.pop()
