"""Runs the lifecycle hooks of a container: exec, httpGet and sleep.

exec and httpGet are handlers like those of a probe, so the probe's code runs them; unlike the kubelet, which takes any
HTTP answer for a success, a hook that is answered with an error has failed. What a hook said when it failed is told
to nobody, since it may be a secret.
"""

from autox.kube.objects import Object
from autox.model.errors import PermanentError
from autox.nodes.probes.handlers import Exec, probe_once
from autox.nodes.process.clock import Clock

LONGEST_HOOK_SECONDS = 86_400
"""A hook has no time limit of its own: a preStop hook ends with the grace period, any with its container."""


async def run_hook(container: Object, hook: str, *, address: str, execute: Exec, clock: Clock) -> None:
    """Run a hook of a container to its end; one that it does not have has ended.

    Args:
        container: its specification in the pod.
        hook: ``postStart`` or ``preStop``.
        address: where the pod listens.
        execute: runs a command inside the container.
        clock: the time.

    Raises:
        PermanentError: the hook failed.
    """
    handler = hook_of(container, hook)
    if not handler:
        return
    if "sleep" in handler:
        await clock.sleep_until(clock.now() + float(handler["sleep"].get("seconds", 0)))
        return
    ports = {port["name"]: port["containerPort"] for port in container.get("ports") or () if port.get("name")}
    probe = {**handler, "timeoutSeconds": LONGEST_HOOK_SECONDS}
    outcome = await probe_once(probe, address=address, ports=ports, exec_=execute)
    if not outcome.ok:
        raise PermanentError(f"the {hook} hook failed")


def hook_of(container: Object, hook: str) -> Object:
    """The handler of a hook; empty if the container has none."""
    return (container.get("lifecycle") or {}).get(hook) or {}
