"""What a decision about a group rests on, read anew at one moment, and what is decided of it.

``reconciling`` looks and carries out; ``sighting`` looks beside it and only records. What both see and decide is one
thing, so that a version is recorded as the one that would be launched.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autox.api.experiments import label_selector
from autox.api.tasks.table import targets_of
from autox.controller.groups import Key
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.values import Resolved, resolve, turns, with_trigger
from autox.core.experiments.deciding import DigestTrouble, decide
from autox.core.experiments.turns import Turns
from autox.kube.client import KubeClient
from autox.model.decision import Decision
from autox.model.groups import ChartRef, ExperimentGroup
from autox.model.trigger import TriggerSnapshot
from autox.store.records import Recorded, read_records
from autox.store.triggers import read_trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchable:
    """What is launched for a spec.

    Attributes:
        chart: what to install; the record has the version that is meant.
        values: with what; they are told to nobody else.
        images: of the trigger's pods, for the record.
        template: digest of the trigger's pod template, for the record; empty if it has none.
        targets: what it loads, for the record.
    """

    chart: ChartRef
    values: Mapping[str, Any] = field(repr=False)
    images: tuple[str, ...]
    template: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSnapshot:
    """A group, and all that was read for it.

    Attributes:
        group: as its owner wants it.
        trigger: as it is.
        recorded: the group's experiments.
        resolved: by the name of a spec its values, or why they are not known.
    """

    group: ExperimentGroup
    trigger: TriggerSnapshot
    recorded: tuple[Recorded, ...]
    resolved: Mapping[str, Resolved | DigestTrouble]

    def decided(self, *, now: datetime) -> tuple[Sequence[Decision], Turns]:
        """What is to be done, and which specs take turns; ``now`` is the time of the wall clock."""
        digests = {name: each.digest if isinstance(each, Resolved) else each for name, each in self.resolved.items()}
        in_turn = turns(self.resolved, now=now)
        records = [each.record for each in self.recorded]
        return decide(self.group, self.trigger, records, digests, in_turn), in_turn

    def launchable(self, decision: Decision) -> Launchable:
        """What a decision to launch launches."""
        spec = next(each for each in self.group.specs if each.name == decision.spec)
        resolved = self.resolved[spec.name]
        if not isinstance(resolved, Resolved):
            raise TypeError("nothing is launched whose values are not known")
        return Launchable(
            chart=spec.chart,
            values=with_trigger(spec.chart, resolved.values, self.trigger),
            images=self.trigger.images,
            template=self.trigger.template,
            targets=() if spec.chart.repo else targets_of(resolved.values, namespace=self.trigger.ref.namespace),
        )


async def read_group(kube: KubeClient, key: Key, group: ExperimentGroup, *, scope: NamespaceScope) -> GroupSnapshot:
    """Read all that a decision about a group rests on.

    Args:
        kube: the client.
        key: the group's namespace and name.
        group: as its owner wants it.
        scope: where experiments may be.

    Raises:
        AutoxError: something could not be read.
    """
    trigger, recorded, resolved = await asyncio.gather(
        read_trigger(kube, group.trigger),
        read_records(kube, label_selector(*key), scope.namespaces, needed=group.trigger.namespace),
        resolve(kube, group),
    )
    return GroupSnapshot(group=group, trigger=trigger, recorded=tuple(recorded), resolved=resolved)
