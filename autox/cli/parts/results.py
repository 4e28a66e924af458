"""Reads the whole result of one experiment from a cluster, and what must be said of it before it is shown.

It stands in the record, or in the Secret beside it; that of a release without a record in the Secret alone. Of several
experiments the newest with a result is shown, which need not be the newest: then that is said.
"""

from dataclasses import dataclass

from autox.cli.parts.places import experiments_of
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, InvalidError, NotFoundError
from autox.model.result import ExperimentResult
from autox.store.experiments import ReadExperiment, experiments
from autox.store.releases import Released, released
from autox.store.results import read_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A result to show.

    Attributes:
        result: the whole of it.
        notice: what its reader must know first; empty if nothing.
    """

    result: ExperimentResult
    notice: str = ""


async def newest_result(kube: KubeClient, namespace: str | None, group: str | None = None) -> Shown:
    """The result of the newest experiment that has one; the notice says which it is if it is not the newest of all.

    Args:
        kube: the client.
        namespace: of the experiments, or of the group if there is one; None for all.
        group: its experiments only.

    Raises:
        NotFoundError: none has one.
        AutoxError: it cannot be read.
    """
    looking = experiments_of(kube, group, namespace=namespace) if group else experiments(kube, namespace=namespace)
    newer: list[ReadExperiment] = []
    for each in reversed((await looking).experiments):
        if each.has_result:
            shown = await result_of(kube, each.record.namespace, each.record.name)
            return Shown(result=shown.result, notice=_not_the_newest(each, newer))
        newer.append(each)
    what = f"experiment of group {group}" if group else "experiment"
    where = f"in namespace {namespace}" if namespace else "in this cluster"
    raise NotFoundError(f"no {what} {where} has a result", hint="`autox history -A` lists all experiments.")


async def result_of(kube: KubeClient, namespace: str, name: str) -> Shown:
    """The whole result of an experiment.

    Args:
        kube: with the user's rights.
        namespace: of the experiment.
        name: of its record, or of its release if that has none.

    Raises:
        NotFoundError: there is no such experiment, or no result yet.
        InvalidError: what is stored there is no result.
        AutoxError: it cannot be read.
    """
    try:
        kept = await read_result(kube, namespace, name)
    except NotFoundError:
        return _of_release(await released(kube, namespace, name), namespace, name)
    except ConfigurationError as error:
        raise InvalidError(f"experiment {namespace}/{name}: {error.message}") from error
    if kept is not None:
        return Shown(result=kept)
    hint = "It is still running, or it ended without one; `autox history` tells."
    raise NotFoundError(f"experiment {namespace}/{name} has no result yet", hint=hint)


def _of_release(release: Released | None, namespace: str, name: str) -> Shown:
    if release is None:
        raise NotFoundError(
            f"there is no experiment {name} in namespace {namespace}", hint="`autox history -A` lists all there are."
        )
    if release.result is None:
        standing = ": ".join(filter(None, release.experiment.standing))
        kept = f" What is kept was found out by {release.outdated}, which is gone." if release.outdated else ""
        raise NotFoundError(f"experiment {namespace}/{name} has no result yet", hint=f"{standing}.{kept}")
    notice = f"{release.gone} is gone: this is what was found out last." if release.gone else ""
    return Shown(result=release.result, notice=notice)


def _not_the_newest(shown: ReadExperiment, newer: list[ReadExperiment]) -> str:
    if not newer:
        return ""
    latest = newer[0].record
    more = f", nor have {len(newer) - 1} before it" if len(newer) > 1 else ""
    standing = ": ".join(filter(None, (latest.phase.value, *newer[0].standing)))
    return (
        f"This is experiment {shown.record.name}, of version {shown.record.identity.version}. A newer one, "
        f"{latest.name}, of version {latest.identity.version}, has no result yet{more}. {standing}"
    )
