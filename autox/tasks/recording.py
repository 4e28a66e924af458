"""Keeps the result of a run where people and the controller look for it: in the record's status, or in a Secret.

The status is written by server-side apply under a field manager of our own, the runner's fields all together each
time, so that the controller's fields are never touched and a field that is not given any more goes away. What has
room stands in ``status.result``; else the whole goes, compressed, into the Secret ``NAME-result``, which the release
brought and ``status.resultSecret`` names, and a short form stands in the status. A run whose record is not there,
or not any more, has only the Secret.

``recalling`` next door reads what was there before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError
from autox.model.result import ExperimentResult, Note, TaskResult
from autox.store.overlaps import read_overlaps
from autox.store.records import apply_run
from autox.store.results import write_secret
from autox.store.runnerstatus import fitting, status_from_result
from autox.tasks.recalling import Recalled, workload_uid
from autox.tasks.retry import RetryPolicy

PROGRESS_SECONDS = 5.0


class ClusterRecorder:
    """The ``Recorder`` of an experiment in a cluster."""

    def __init__(
        self,
        kube: KubeClient,
        namespace: str,
        name: str,
        *,
        recalled: Recalled,
        retry: RetryPolicy,
        say: Callable[[str], None],
    ) -> None:
        """Make it; nothing is written yet.

        Args:
            kube: may read and patch the record's status and the Secret.
            namespace: of both.
            name: the record's.
            recalled: what was there when the run began.
            retry: how long to try.
            say: shows what could not be recorded.
        """
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._uid = recalled.uid
        self._subject = recalled.subject
        self._kept = recalled.kept
        self._retry = retry
        self._say = say

    async def progress(self, running: ExperimentResult) -> None:
        """Show how far the loop is, and what the loop before it found; without a record there is no place for that."""
        if not self._uid:
            return
        status = status_from_result(running)
        if self._kept:
            status = {"startedAt": status["startedAt"], "tasks": status["tasks"], **self._kept}
        else:
            status["result"], _ = fitting(running)
        try:
            await self._retry.until_done(lambda: self._apply(status), seconds=PROGRESS_SECONDS)
        except AutoxError as error:
            self._say(f"progress was not recorded: {error.message}")

    async def finish(self, ended: ExperimentResult) -> None:
        """Keep the result in the status and, if it is too large for that or there is none, in the Secret.

        Raises:
            AutoxError: it could not be kept where it belongs.
        """
        if not self._uid:
            if await self._is_superseded():
                self._say(f"{self._subject.workload} is gone: the Secret is for what runs now, and is left alone")
                return
            await self._to_secret(ended)
            return
        ended = with_overlaps(ended, await self._overlaps())
        result, is_whole = fitting(ended)
        status = {**status_from_result(ended), "result": result}
        if not is_whole and (secret := await self._tried_secret(ended)):
            status["resultSecret"] = secret
        try:
            await self._retry.until_done(lambda: self._apply(status))
        except NotFoundError:
            self._say(f"experiment {self._namespace}/{self._name} is gone: its result goes to the Secret alone")
            await self._to_secret(ended)

    async def _is_superseded(self) -> bool:
        """Whether an upgrade has put another Job in the place of the one that runs this: its pod ends a while later."""
        subject = self._subject
        if not subject.workload_uid:
            return False
        try:
            return await self._retry.until_done(
                lambda: workload_uid(self._kube, self._namespace, subject.workload)
            ) != (subject.workload_uid)
        except ForbiddenError:
            return True  # It was allowed when this began: the Role names another one now.

    async def _overlaps(self) -> tuple[str, ...]:
        """The experiments that loaded the same target meanwhile, as the controller saw them; none if nobody can say."""
        try:
            return await read_overlaps(self._kube, self._namespace, self._name)
        except AutoxError as error:
            self._say(f"whether others loaded the same target was not read: {error.message}")
            return ()

    async def _apply(self, status: Mapping[str, Any]) -> None:
        await apply_run(self._kube, self._namespace, self._name, uid=self._uid, status=status)

    async def _tried_secret(self, ended: ExperimentResult) -> str:
        """The name of the Secret that has the result; empty if it could not be put there."""
        try:
            return await self._to_secret(ended)
        except AutoxError as error:
            self._say(f"only the short form of the result was recorded: {error.message}")
            return ""

    async def _to_secret(self, ended: ExperimentResult) -> str:
        return await self._retry.until_done(lambda: write_secret(self._kube, self._namespace, self._name, ended))


def with_overlaps(ended: ExperimentResult, others: Sequence[str]) -> ExperimentResult:
    """The result, in which each task that measured something says who loaded the same target meanwhile."""
    notes = tuple(
        Note(text=f"experiment {other} loaded the same target at the same time: the figures are of both loads")
        for other in others
    )
    tasks = (replace(task, notes=(*notes, *task.notes)) if _has_loaded(task) else task for task in ended.tasks)
    return replace(ended, tasks=tuple(tasks)) if notes else ended


def _has_loaded(task: TaskResult) -> bool:
    """It measured something, and not for want of anybody to send a request to."""
    return bool(task.metrics) and not any(
        metric.name.endswith("/sent-count") and not metric.value for metric in task.metrics
    )
