"""Where the controller's notices go: Events on the group and on the experiment, and one line in the log."""

import logging
from typing import Any

from autox.controller.groups import Groups, Key
from autox.core.experiments.notice import Notice
from autox.kube.events import EventRecorder
from autox.kube.objects import metadata
from autox.model.experiments import ExperimentRecord
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, Resource

_log = logging.getLogger(__name__)


class Recorder:
    """Tells notices; returns at once and never fails."""

    def __init__(self, recorder: EventRecorder, groups: Groups) -> None:
        self._recorder = recorder
        self._groups = groups

    def about(self, record: ExperimentRecord, notice: Notice) -> None:
        """Tell it of an experiment, and of the group that asked for it."""
        self._event(EXPERIMENTS, record.namespace, record.name, record.uid, notice)
        self.about_group((record.identity.group_namespace, record.identity.group), notice)

    def about_group(self, key: Key, notice: Notice) -> None:
        """Tell it of a group; of one that is there no more, only the log is told."""
        known = self._groups.get(key)
        if known is not None:
            self._event(EXPERIMENT_GROUPS, *key, metadata(known.object).get("uid", ""), notice)
        level = logging.WARNING if notice.type == "Warning" else logging.INFO
        _log.log(level, "group %s/%s: %s: %s", *key, notice.reason, notice.message)

    def _event(self, resource: Resource, namespace: str, name: str, uid: str, notice: Notice) -> None:
        names: dict[str, Any] = {"namespace": namespace, "name": name}
        regarding = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": names | {"uid": uid}}
        self._recorder.record(regarding, type=notice.type, reason=notice.reason, message=notice.message)
