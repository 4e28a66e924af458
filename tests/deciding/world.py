"""Two shelves, records and releases, as the API server and Helm keep them, and a controller that may die at any step.

The controller reads, decides and carries out as ``autox.core.experiments.deciding`` tells it to. Each ``yield`` is a
place where a real one awaits something, and so a place to be killed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from autox.core.experiments.deciding import DigestTrouble, decide, decide_removed
from autox.model.decision import Action, Decision
from autox.model.experiments import ExperimentRecord
from autox.model.groups import ExperimentGroup
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.model.verdict import Phase
from tests.deciding.samples import NOW, group, present, record

TROUBLE = DigestTrouble(reason="ValuesMissing", message="no such Secret")


class World:
    """What is there: the trigger, the group, the records and the releases."""

    def __init__(self, *specs: str) -> None:
        self.trigger: TriggerSnapshot = present(None, opt_in=None)
        self.group: ExperimentGroup = group(*specs)
        self.is_removed = False
        self.digests: dict[str, str | DigestTrouble] = dict.fromkeys(specs, "d1")
        self.records: dict[str, ExperimentRecord] = {}
        self.releases: set[str] = set()
        self.runs: list[str] = []  # the name of every release that was really installed, each time

    def reconcile(self) -> Iterator[None]:
        """Read, decide, and carry it out."""
        seen = list(self.records.values())
        decisions = decide_removed(seen) if self.is_removed else decide(self.group, self.trigger, seen, self.digests)
        for decision in decisions:
            yield
            if decision.action is Action.DELETE:
                yield from self._delete(decision)
            elif decision.action is Action.LAUNCH:
                yield from self._launch(decision)

    def reconcile_until(self, step: int) -> None:
        """Reconcile, and be killed after so many steps."""
        for _ in zip(range(step), self.reconcile(), strict=False):
            pass

    def come_to_rest(self) -> None:
        """Let the controller alone, and see that it ends with the current version under test and nothing else."""
        for _ in range(3):
            self.reconcile_until(1000)
        assert self.trigger.state is TriggerState.UNREADABLE or self._is_right()
        runs = list(self.runs)
        self.reconcile_until(1000)
        assert self.runs == runs, "a restart launched something"

    def check(self) -> None:
        """What must hold at every moment."""
        assert len(self.runs) == len(set(self.runs)), "an experiment was run a second time"
        specs = [self.records[name].identity.spec for name in self.releases]
        assert len(specs) == len(set(specs)), "two experiments of one spec run at once"
        gone = [name for name in self.releases if self.records[name].phase is Phase.DELETED]
        assert not gone, "a release runs whose record says that it is gone"

    def _delete(self, decision: Decision) -> Iterator[None]:
        assert decision.record is not None
        name = decision.record.name
        self._mark(name, phase=Phase.DELETING, reason=decision.reason, message=decision.message)
        yield
        self.releases.discard(name)
        yield
        self._mark(name, phase=Phase.DELETED)

    def _launch(self, decision: Decision) -> Iterator[None]:
        assert decision.launch is not None
        name = decision.name
        if name not in self.records:
            created = NOW + timedelta(seconds=len(self.records))
            template = self.trigger.template
            self.records[name] = record(Phase.PENDING, of=decision.launch, created_at=created, template=template)
            yield
        if name not in self.releases:
            self.releases.add(name)
            self.runs.append(name)
        yield
        self._mark(name, phase=Phase.RUNNING, launched_at=NOW)

    def _mark(self, name: str, **changes: Any) -> None:
        self.records[name] = replace(self.records[name], **changes)

    def _is_of_these_pods(self, spec: str) -> bool:
        """Whether the running experiment of a spec was launched for the pods of now, as far as both are known."""
        (found,) = (self.records[name] for name in self.releases if self.records[name].identity.spec == spec)
        # NB: of a record without a template nothing is known, and its version is not tested again for that alone.
        return not (found.template and self.trigger.template) or found.template == self.trigger.template

    def _is_right(self) -> bool:
        """Whether each spec that should has one experiment of the current version, with the current values."""
        running = {self.records[name].identity.spec: self.records[name].identity for name in self.releases}
        labels = self.trigger.labels
        if self.is_removed or not self.group.is_opted_in(labels) or not labels[self.group.version_label]:
            return not running
        names = {spec.name for spec in self.group.specs}
        sure = {name for name in names if self.digests[name] is not TROUBLE}
        return sure <= set(running) <= names and all(
            (each.version, each.trigger_uid) == (labels[self.group.version_label], self.trigger.uid)
            and (spec not in sure or each.digest == self.digests[spec])
            and self._is_of_these_pods(spec)
            for spec, each in running.items()
        )
