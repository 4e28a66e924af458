"""Task ``ready``: wait until what is to be tested is really there, and nothing else in its place.

What "there" means is decided in ``readiness``, from objects that are read anew each half second. Reading was chosen
over watching: three watches and the order of their events would have to be brought together for a wait of seconds,
and one look of three small requests says the same. Permissions: get on the Deployment, Service and objects; list
on replicasets, pods and endpointslices of the namespace.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from autox.core.experiments.workloadpods import label_selector
from autox.kube.client import KubeClient
from autox.model.errors import (
    ConfigurationError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from autox.model.refs import DEPLOYMENTS, ENDPOINT_SLICES, PODS, REPLICA_SETS, SERVICES
from autox.model.result import Note
from autox.model.tasks import ReadyInputs, ReadyObject
from autox.tasks.context import Findings, TaskContext
from autox.tasks.readiness import Standing, condition, rollout, service

_PAUSE = 0.5  # seconds between two looks

Look = Callable[[], Awaitable[Standing]]


async def run(inputs: ReadyInputs, context: TaskContext) -> Findings:
    """Wait until everything that was asked for is there at the same time; look at least once.

    Raises:
        ConfigurationError: there is no cluster to look into.
        DeadlineError: it is not there in time; the message says what was missing.
        PermanentError: waiting would not help: a paused or failed rollout, or a missing permission.
    """
    if context.kube is None:
        raise ConfigurationError("task ready needs a cluster, and this run has none", hint="give it a kubeconfig")
    looks = _looks(context.kube, inputs, namespace=inputs.namespace or context.namespace)
    began = time.monotonic()
    told = ""
    while True:
        standings = [await _standing(look) for look in looks]
        seconds = time.monotonic() - began
        missing = "; ".join(str(each) for each in standings if not each.is_ready)
        if not missing:
            return _findings(standings, seconds=seconds)
        if any(each.is_stuck for each in standings):
            raise PermanentError(missing, hint="waiting does not change this")
        left = inputs.timeout - seconds
        if left <= 0:
            raise DeadlineError(f"not ready within {inputs.timeout:g} s: {missing}")
        if missing != told:
            told = missing
            context.say(f"waiting for {missing}")
        await asyncio.sleep(min(_PAUSE, left))


def _looks(kube: KubeClient, inputs: ReadyInputs, *, namespace: str) -> list[Look]:
    looks: list[Look] = []
    if inputs.deploy:
        looks.append(partial(_deployment, kube, inputs.deploy, namespace))
    if inputs.service:
        # NB: pods may be listed for the sake of a Deployment; the charts give no such right for a Service alone.
        looks.append(partial(_service, kube, inputs.service, namespace, compare=bool(inputs.deploy)))
    looks += [partial(_object, kube, wanted, namespace) for wanted in inputs.objects]
    return looks


async def _standing(look: Look) -> Standing:
    """How it stands; an API server that cannot answer now leaves that unknown, which is not ready."""
    try:
        return await look()
    except TransientError as error:
        return Standing(what="the API server", missing=error.message)
    except ForbiddenError as error:
        raise ForbiddenError(
            f"task ready may not look: {error.message}", hint="give the experiment's service account this permission"
        ) from error


def _findings(standings: Sequence[Standing], *, seconds: float) -> Findings:
    if not standings:
        return Findings(message="nothing to wait for")
    images = [image for each in standings for image in each.images]
    return Findings(
        message=f"{'; '.join(map(str, standings))} ready after {seconds:.1f} s",
        notes=(Note(text=f"images: {', '.join(images)}"),) if images else (),
    )


async def _deployment(kube: KubeClient, name: str, namespace: str) -> Standing:
    try:
        deployment = await kube.get(DEPLOYMENTS, name, namespace=namespace)
    except NotFoundError:
        return Standing(what=f"deployment {name}", missing=f"it does not exist in namespace {namespace}")
    selector = label_selector((deployment.get("spec") or {}).get("selector"))
    # NB: in this order, so that a version that comes meanwhile makes pods old rather than unseen.
    replica_sets = await kube.list(REPLICA_SETS, namespace=namespace, label_selector=selector)
    pods = await kube.list(PODS, namespace=namespace, label_selector=selector)
    return rollout(deployment, replica_sets.items, pods.items)


async def _service(kube: KubeClient, name: str, namespace: str, *, compare: bool) -> Standing:
    """How a Service stands, and with ``compare``, whether its endpoints are those of its pods."""
    try:
        found = await kube.get(SERVICES, name, namespace=namespace)
    except NotFoundError:
        return Standing(what=f"service {name}", missing=f"it does not exist in namespace {namespace}")
    of_pods = (found.get("spec") or {}).get("selector")
    if not of_pods:
        return service(found, ())
    selector = f"kubernetes.io/service-name={name}"
    slices = await kube.list(ENDPOINT_SLICES, namespace=namespace, label_selector=selector)
    if not compare:
        return service(found, slices.items)
    pods = await kube.list(PODS, namespace=namespace, label_selector=label_selector({"matchLabels": of_pods}))
    return service(found, slices.items, pods.items)


async def _object(kube: KubeClient, wanted: ReadyObject, namespace: str) -> Standing:
    """How an object stands; one whose namespace nobody said is where the experiment looks otherwise."""
    ref = replace(wanted.ref, namespace=wanted.ref.namespace or namespace)
    try:
        found = await kube.get(ref.api_resource, ref.name, namespace=ref.namespace)
    except NotFoundError:
        return Standing(what=str(ref), missing="it does not exist")
    return condition(found, wanted.condition, what=str(ref))
