"""The record of one experiment: the custom resource ``Experiment`` as a frozen value; and its release as it was found.

Creating the record is the lock that makes a launch happen once; its name is also its Helm release's.
"""

from dataclasses import dataclass
from datetime import datetime

from autox.model.groups import ChartRef
from autox.model.refs import ObjectRef
from autox.model.verdict import Phase, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Everything that makes an experiment this one and no other; the name is a digest of it.

    Attributes:
        group_namespace: of the group that asked for it.
        group: the group's name.
        spec: the experiment spec's name in the group.
        trigger: what is under test.
        trigger_uid: of the trigger object.
        version: under test.
        digest: of chart and values.
        revision: 1, and one more each time that the same version is tested again.
    """

    group_namespace: str
    group: str
    spec: str
    trigger: ObjectRef
    trigger_uid: str
    version: str
    digest: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRecord:
    """An experiment as its record says.

    Attributes:
        name: of the record, the release and the Job or CronJob.
        uid: of the record.
        identity: what it tests and with what.
        chart: the chart it was launched with.
        images: under test, as the trigger's pod template named them.
        template: digest of that template at the launch; empty if it has none, or from before templates were recorded.
        targets: what it loads (``autox.core.formats.hosts``); empty if it loads nothing, or nobody knows what.
        created_at: when the record was made.
        phase: where it is in its life.
        verdict: None while there is none.
        reason: CamelCase, of the phase or the verdict.
        message: the same for people.
        launched_at: when its release was installed; None if it never was.
        completed_at: when the last loop ended; None while none has.
        is_deleting: the record itself is being deleted.
        is_asked_again: somebody wants the same to be tested once more.
    """

    name: str
    uid: str
    identity: Identity
    chart: ChartRef
    images: tuple[str, ...] = ()
    template: str = ""
    targets: tuple[str, ...] = ()
    created_at: datetime
    phase: Phase = Phase.PENDING
    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    launched_at: datetime | None = None
    completed_at: datetime | None = None
    is_deleting: bool = False
    is_asked_again: bool = False

    @property
    def namespace(self) -> str:
        """Where the record and the release are: the trigger's namespace."""
        return self.identity.trigger.namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRelease:
    """The Helm release of an experiment: enough to say whose it is, and whether it is as it should be.

    Attributes:
        namespace: where it is.
        name: its name, which is also that of the experiment's record.
        group: namespace and name of the group that asked for it, as its labels say.
        is_stuck: an interrupted Helm left it pending or failed, and no Helm is at work on it any more.
    """

    namespace: str
    name: str
    group: tuple[str, str]
    is_stuck: bool
