"""Carries out one decision, in steps of which each may be repeated and after each of which the controller may die.

The order is that of ``autox.core.experiments.deciding``: an experiment that goes is marked before its release is
uninstalled, and one that comes is recorded before its release is installed. Whoever finds the work half done decides
the rest anew.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from autox.api.experiments import release_labels
from autox.controller.groupsnapshot import Launchable
from autox.controller.recorder import Recorder
from autox.core.experiments import wording
from autox.model.decision import Decision
from autox.model.errors import (
    AutoxError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    NotOursError,
)
from autox.model.experiments import ExperimentRecord
from autox.model.labels import UID
from autox.model.verdict import Phase, Verdict
from autox.ports import Releases
from autox.store.controllerstatus import Standing
from autox.store.records import Recorded, Records

_log = logging.getLogger(__name__)

_HOPELESS: dict[type[AutoxError], str] = {ConfigurationError: "ChartInvalid", NotOursError: "ReleaseNotOurs"}


class Steps:
    """Deletes and launches experiments."""

    def __init__(
        self, records: Records, releases: Releases, recorder: Recorder, *, now: Callable[[], datetime]
    ) -> None:
        """Prepare.

        Args:
            records: where each step is recorded.
            releases: what is installed and uninstalled.
            recorder: tells the Events.
            now: the wall clock, for when a release was installed.
        """
        self._records = records
        self._releases = releases
        self._recorder = recorder
        self._now = now

    async def delete(self, decision: Decision, recorded: Recorded) -> Recorded:
        """Mark the record Deleting, uninstall the release, mark it Deleted.

        A run that is ended because its pods were replaced has the verdict Invalid, unless it gave one before.

        Raises:
            AutoxError: a step failed; the ones before it stay done.
        """
        record = recorded.record
        standing = Standing(
            phase=Phase.DELETING,
            reason=decision.reason,
            message=decision.message,
            launched_at=record.launched_at,
        )
        if decision.reason == wording.TEMPLATE_CHANGED and record.phase is Phase.RUNNING and record.verdict is None:
            message = f"{wording.REPLACED_IN_MID_TEST}: {decision.message}"
            standing = replace(standing, message=message, verdict=Verdict.INVALID)
        if decision.reason == wording.NEW_VERSION and wording.was_never_launched(record):
            notice = wording.superseded(record, decision.message)
            standing = replace(standing, reason=notice.reason, message=notice.message)
        recorded = await self._records.mark(recorded, standing)
        note = ""
        try:
            made = (record.created_at, record.launched_at) if record.launched_at else None
            note = await self._releases.uninstall(record.name, namespace=record.namespace, made=made)
        except NotOursError as error:
            # Somebody else's release of that name: then there is none of ours, and theirs is left alone.
            _log.warning("%s", error.advice)
            note = error.message
        await self._records.drop_unused_result(record)
        done = replace(standing, phase=Phase.DELETED, message=_with_note(standing.message, note))
        recorded = await self._records.mark(recorded, done)
        self._recorder.about(record, wording.deleted(record, _with_note(decision.message, note)))
        return recorded

    async def launch(self, decision: Decision, what: Launchable) -> Recorded:
        """Record the experiment, install its release, mark it Running.

        A release that cannot be installed, now or later, ends the experiment with verdict Error. A right that is
        missing may come: a group and its Role are often made by one command, a Role is taken away and given back, a
        quota is raised. So that is told in the record and tried again for as long as the version is wanted.

        Raises:
            ConflictError: the record is not waiting to be launched any more: decide again.
            NotOursError: something else has the record's name.
            AutoxError: a step failed; the ones before it stay done.
        """
        recorded = await self.record(decision, what)
        record = recorded.record
        if record.phase is not Phase.PENDING or record.is_deleting:
            raise ConflictError(f"experiment {record.namespace}/{record.name} has been launched or deleted meanwhile")
        # NB: a release from before this record is of one that somebody deleted; its Job would not run again.
        labels = release_labels(record.name, record.identity) | {UID: record.uid}
        try:
            note = await self._releases.install(
                record.name,
                namespace=record.namespace,
                chart=what.chart,
                values=what.values,
                labels=labels,
                since=record.created_at,
            )
        except ForbiddenError as error:
            await self._wait_for_rights(recorded, error)
            raise
        except tuple(_HOPELESS) as error:
            # NB: no other error: credentials that are refused at this moment say nothing about the chart.
            return await self._give_up(recorded, error)
        message = _with_note(decision.message, note)
        standing = Standing(phase=Phase.RUNNING, reason=decision.reason, message=message, launched_at=self._now())
        recorded = await self._records.mark(recorded, standing)
        self._recorder.about(record, wording.launched(record, message))
        return recorded

    async def record(self, decision: Decision, what: Launchable) -> Recorded:
        """The first step of a launch alone.

        Raises:
            NotOursError: something else has the record's name.
            AutoxError: it could not be recorded.
        """
        if decision.launch is None:
            raise AssertionError("only a decision to launch says what")
        return await self._records.create(
            ExperimentRecord(
                name=decision.name,
                uid="",
                identity=decision.launch,
                chart=self._releases.meant(what.chart),
                images=what.images,
                template=what.template,
                targets=what.targets,
                created_at=self._now(),
            )
        )

    async def _wait_for_rights(self, recorded: Recorded, error: ForbiddenError) -> None:
        record, notice = recorded.record, wording.not_allowed(recorded.record, error.advice)
        standing = Standing(phase=Phase.PENDING, reason=notice.reason, message=notice.message, launched_at=None)
        await self._records.mark(recorded, standing)
        if (record.reason, record.message) != (notice.reason, notice.message):
            self._recorder.about(record, notice)

    async def _give_up(self, recorded: Recorded, error: AutoxError) -> Recorded:
        reason = next(word for kind, word in _HOPELESS.items() if isinstance(error, kind))
        notice = wording.not_launched(recorded.record, reason, error.advice)
        standing = Standing(
            phase=Phase.COMPLETED,
            reason=notice.reason,
            message=notice.message,
            launched_at=None,
            verdict=Verdict.ERROR,
        )
        marked = await self._records.mark(recorded, standing)
        self._recorder.about(recorded.record, notice)
        return marked


def _with_note(message: str, note: str) -> str:
    return f"{message}; {note}" if note else message
