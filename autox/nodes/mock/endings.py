"""Which containers of a simulated pod have ended for good, and what becomes of the pod when they end. Pure.

Containers of a pod share its fate and may differ in their restart policies: what crashes all of them ends some for
good and is followed by a new start of the others. The pod ends when none is left. The API server refuses to let a
container leave its end that may not be started again, so what was told of one is told again as it was.
"""

from autox.core.pods.restarting import RestartRule, restarts
from autox.model.stages import Stage, State
from autox.nodes.mock.pods import Container, ContainerStatus, Pod


def starts_again(pod: Pod, container: Container, exit_code: int) -> bool:
    """Is a container started again after it ended so?

    Args:
        pod: its restart policy holds where the container has none.
        container: one of its containers; its rules come first, then its own policy.
        exit_code: what it ended with.
    """
    rules = (
        RestartRule(rule.action, codes.operator, frozenset(codes.values))
        for rule in container.restart_policy_rules or ()
        if (codes := rule.exit_codes) is not None
    )
    return restarts(container.restart_policy or pod.spec.restart_policy, rules, exit_code)


def is_over(pod: Pod, container: Container, told: ContainerStatus) -> bool:
    """Has a container ended and is never started again?

    Args:
        pod: its restart policy holds where the container has none.
        container: one of its containers.
        told: what the pod's status says of that container.
    """
    end = told.state.terminated
    return end is not None and not starts_again(pod, container, end.exit_code)


def are_over(pod: Pod) -> list[tuple[Container, ContainerStatus]]:
    """The containers that have ended for good, with what was told of each."""
    told = {status.name: status for status in pod.status.container_statuses or ()}
    pairs = ((each, told[each.name]) for each in pod.spec.containers or () if each.name in told)
    return [(container, status) for container, status in pairs if is_over(pod, container, status)]


def has_own_policies(pod: Pod) -> bool:
    """Does a container say itself whether it is started again?"""
    for container in pod.spec.containers or ():  # noqa: SIM110  - asked of every pod, and a generator costs thrice that
        if container.restart_policy is not None:
            return True
    return False


def policies(pod: Pod) -> set[str]:
    """The restart policies that are in force."""
    return {container.restart_policy or pod.spec.restart_policy for container in pod.spec.containers or ()}


def ended(stage: Stage, pod: Pod) -> State:
    """The state that a stage really leads to: where containers may be started again their pod goes on, else it ends."""
    if stage.to not in {State.CRASHED, State.SUCCEEDED}:
        return stage.to
    before = are_over(pod) if pod.status.container_statuses else []
    names = {container.name for container, _ in before}
    left = [container for container in pod.spec.containers or (Container(),) if container.name not in names]
    # NB: a table may let any pod succeed, whatever its policy; what a container itself says holds all the same.
    asked = left if stage.to is State.CRASHED else [each for each in left if each.restart_policy is not None]
    if any(starts_again(pod, container, stage.exit_code) for container in asked):
        return State.CRASHED
    return State.FAILED if stage.exit_code or have_failed(before) else State.SUCCEEDED


def have_failed(over: list[tuple[Container, ContainerStatus]]) -> bool:
    """Did one of the containers end with another exit code than 0?"""
    return any(status.state.terminated is not None and status.state.terminated.exit_code for _, status in over)
