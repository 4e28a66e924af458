"""Task ``density``: put virtual nodes and pods on a control plane, measure what it makes of them, leave nothing behind.

In order: find the cluster and make sure that it is not our own; sweep what dead runs left; a namespace with a sign of
life; virtual nodes, in this process or in agents beside it; the watchers; a reading of the API server's metrics;
Deployments at the rate asked for, until every pod runs or the time is up; the reading again; and then, however it
ended, everything is removed while the nodes still serve, so that pods end as pods do. A process that is killed leaves
it to ``sweeping``.

This module decides whether a cluster may be loaded; ``loadtest`` does the rest, from the namespace on. What keeps
nodes, and the search for a failure point, are imported when they are asked for: a tenth of all that a run loads.
"""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from secrets import token_hex

from autox.api.tasks.density.limits import flaw
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError, ConfigurationError
from autox.model.result import Note
from autox.nodes.node.clients import open_clients
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density.cleanup import sweeping
from autox.tasks.density.dryrun import forecast
from autox.tasks.density.fleets.givennodes import GivenNodes, find
from autox.tasks.density.fleets.nodes import Nodes
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.loadtest import LoadTest
from autox.tasks.density.permission import refuse_forbidden, refuse_without
from autox.tasks.density.rights import OF_CHURN, of_accounts
from autox.tasks.density.target import Identity, identify, kubeconfig_of, refuse_self


async def run(inputs: DensityInputs, context: TaskContext) -> Findings:
    """Load the control plane and tell what it did.

    Raises:
        ConfigurationError: the inputs or the kubeconfig make no sense, or the cluster is autox's own.
        AutoxError: the API server cannot be reached, or refuses.
    """
    for each in inputs.extremes:
        _check(each)
    kubeconfig = kubeconfig_of(inputs, context.environ)
    # On somebody's own machine the kubeconfig is that somebody's; an experiment's is of whoever may write the Secret.
    allow_files = inputs.allow_exec or not context.subject.experiment
    connection = from_kubeconfig(kubeconfig, allow_exec=inputs.allow_exec, allow_files=allow_files)
    async with AsyncExitStack() as stack:
        clients = await open_clients(connection, stack)
        kube = clients.kube
        identity = await identify(kube)
        if context.kube is not None and not inputs.allow_self:
            await refuse_self(kube, context.kube)
        await refuse_forbidden(kube, inputs.clients)
        await refuse_without(kube, OF_CHURN[inputs.churn.of] if inputs.churn else (), who="churn")
        await refuse_without(kube, of_accounts(inputs.clients), who="who gives clients service accounts")

        def nodes(inputs: DensityInputs, run_labels: RunLabels) -> Nodes:
            if run_labels.given is not None:
                return GivenNodes(kube, run_labels.node_query, given)
            if not inputs.agents:
                from autox.tasks.density.fleets.fleet import Fleet  # noqa: PLC0415  - see above

                return Fleet(clients, run_labels, kubeconfig=kubeconfig, count=inputs.nodes)
            from autox.tasks.density.fleets.agents import Agents  # noqa: PLC0415  - see above
            from autox.tasks.density.fleets.orders import shared_out  # noqa: PLC0415  - see above

            orders = shared_out(
                run_labels,
                kubeconfig=kubeconfig,
                allow_exec=inputs.allow_exec,
                allow_files=allow_files,
                nodes=inputs.nodes,
                agents=inputs.agents,
            )
            return Agents(kube, run_labels, tuple(orders))

        def load_test(inputs: DensityInputs, context: TaskContext, run_labels: RunLabels) -> LoadTest:
            return LoadTest(kube, run_labels, nodes(inputs, run_labels), inputs, context)

        unswept = await _sweep(kube, context, now=identity.now)
        run_labels = RunLabels.of(context.subject, token=token_hex(4), given=inputs.node_selector)
        given = await _given(kube, inputs, run_labels, context)
        if inputs.failure_point is not None:
            from autox.tasks.density.search.failurepoint import search  # noqa: PLC0415  - see above

            findings = await search(kube, load_test, inputs, context, inputs.failure_point)
        else:
            findings = await load_test(inputs, context, run_labels).to_its_end()
    mode = _mode(inputs)
    objects = _objects(inputs) if inputs.failure_point is None else ""
    readings = filter(None, (objects, mode, unswept, _who(identity, inputs)))
    return replace(findings, notes=(*findings.notes, *(Note(text=text) for text in readings)))


def _mode(inputs: DensityInputs) -> str:
    """How the virtual nodes are kept."""
    if inputs.node_selector is not None:
        return "virtual nodes that were there before, kept by agents elsewhere: what these used is not in the figures"
    if inputs.agents:
        return (
            f"virtual nodes in mode cheap, kept by {inputs.agents} agents: one identity, and one watch for each agent"
        )
    return "virtual nodes in mode cheap: one identity and one watch for all of them"


async def _given(
    kube: KubeClient, inputs: DensityInputs, run_labels: RunLabels, context: TaskContext
) -> tuple[str, ...]:
    """The names of the nodes that are there already; none where the run makes its own."""
    if run_labels.given is None:
        return ()
    selector = run_labels.node_query
    return await find(kube, selector, count=inputs.nodes, seconds=inputs.timeout, say=context.say)


def _objects(inputs: DensityInputs) -> str:
    """What the load was of: whoever reads two results can tell whether it was the same."""
    told = forecast(inputs)
    return f"{sum(told.objects.values()):,} objects with {told.pods:,} pods, of digest {told.digest}"


def _who(identity: Identity, inputs: DensityInputs) -> str:
    """As whom the load ran, and whether that may be queued; clients with an account of their own have a note of it."""
    own = sum(each.own_account for each in inputs.clients)
    told = (
        f"{'all but clients with service accounts' if own else 'everything'} ran as {identity.user or 'nobody knows'}"
    )
    if not identity.is_exempt:
        return f"{told}: to API priority and fairness one flow, which it may keep waiting"
    told = f"{told}: these credentials (system:masters) bypass API priority and fairness: queueing does not show"
    return f"{told}, and no client of theirs is ever turned away" if own < len(inputs.clients) else told


async def _sweep(kube: KubeClient, context: TaskContext, *, now: datetime) -> str:
    """Remove what dead runs left; in words what is left of them, since that would be in the figures."""
    remains = await sweeping.of_dead_runs(kube, now=now)
    if not remains:
        return ""
    context.say(f"sweeping {remains} of runs that died")
    try:
        await sweeping.remove(kube, remains, seconds=sweeping.allowance(len(remains.nodes)))
    except AutoxError as error:
        return f"what runs that died left behind is still there: {error.message}"
    return ""


def _check(inputs: DensityInputs) -> None:
    if wrong := flaw(inputs):
        raise ConfigurationError(f"task density: {wrong}")
