"""A table of stages prepared for deciding: by the state that they leave, and what of them concerns plain pods. Pure.

Plain pods are those without any annotation that a stage reads. Nearly all pods of a load test are plain and alike, so
that most of the work is done once for a table: stages that no plain pod ever takes are left out, and where every
plain pod begins in the same way, that is known beforehand.
"""

from collections.abc import Mapping
from typing import Any

from autox.core.staging import is_immediate
from autox.model.stages import Stage, State

POLICIES = ("Always", "OnFailure", "Never")

Leaving = Mapping[State, tuple[Stage, ...]]
"""The stages that lead away from each state, in the order of the table."""


def leaving(stages: tuple[Stage, ...]) -> Leaving:
    """All stages, by the state that they leave."""
    return {state: tuple(stage for stage in stages if state in stage.leaves) for state in State}


def leading_ahead(whole: Leaving) -> Leaving:
    """Of these stages those that are taken at once when they have no delay."""
    return {state: tuple(stage for stage in stages if is_immediate(stage, state)) for state, stages in whole.items()}


def annotations_read(stages: tuple[Stage, ...]) -> frozenset[str]:
    """The annotations that make a pod other than plain."""
    keys: set[str] = set()
    for stage in stages:
        keys.update(stage.selector.annotations, (stage.probability_annotation, stage.delay_annotation))
    return frozenset(keys - {""})


def leaving_plain(whole: Leaving, policy: str) -> Leaving:
    """The stages that a plain pod with this restart policy may take."""

    def may_be_taken(stage: Stage) -> bool:
        policies = stage.selector.restart_policies
        return stage.probability > 0 and not stage.selector.annotations and (not policies or policy in policies)

    return {state: tuple(filter(may_be_taken, stages)) for state, stages in whole.items()}


def all_begin_alike(plain: Leaving) -> bool:
    """Does what is taken at once from ``PENDING`` on depend on nothing but the restart policy?"""
    ahead = leading_ahead(plain)
    found, new = {State.PENDING}, [State.PENDING]
    while new:
        state = new.pop()
        at_once = [stage for stage in ahead[state] if not stage.delay and not stage.jitter]
        if at_once and not all(_is_for_all(stage) for stage in plain[state]):
            return False
        news = {stage.to for stage in at_once} - found
        found |= news
        new.extend(news)
    return True


def _is_for_all(stage: Stage) -> bool:
    selector = stage.selector
    there: tuple[Any, ...] = (selector.labels, selector.namespaces, selector.owner_kinds, selector.node_prefix)
    return stage.probability == 1 and not any(there)
