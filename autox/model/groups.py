"""What a user wants to be tested: an experiment group, frozen and checked.

``autox.api.groups`` makes these from the custom resource; ``autox.core.experiments.deciding`` compares them with what
is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from autox.model.refs import ObjectRef

VERSION_LABEL = "app.kubernetes.io/version"
OPT_IN_LABEL = "iter8.tools/autox"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """The label by which a trigger object asks to be tested."""

    label: str = OPT_IN_LABEL
    value: str = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRef:
    """A Helm chart: from autox's own package if ``repo`` is empty; ``version`` may be empty too."""

    name: str
    version: str = ""
    repo: str = ""


class Retest(StrEnum):
    """What makes the same version worth another test."""

    ON_TEMPLATE_CHANGE = "onTemplateChange"  # other pods under the same version label
    NEVER = "never"


class Concurrency(StrEnum):
    """How the specs of a group that load run."""

    SERIAL = "serial"  # one after another
    PARALLEL = "parallel"  # side by side


class ValuesKind(StrEnum):
    """Where values of a chart may stand."""

    SECRET = "Secret"  # noqa: S105  - a kind, not a password
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesSource:
    """A key of a Secret or ConfigMap, in the group's namespace, that holds chart values as YAML."""

    kind: ValuesKind
    name: str
    key: str = "values.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSpec:
    """One experiment of a group: a chart and its values.

    Attributes:
        name: unique in its group.
        chart: what is installed.
        values: for the chart; never shown, since they may hold tokens. Do not mutate.
        values_from: merged over each other in order, and ``values`` over them all.
    """

    name: str
    chart: ChartRef
    values: Mapping[str, Any] = field(repr=False)
    values_from: tuple[ValuesSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentGroup:
    """One trigger and the experiments to run for each of its versions.

    Attributes:
        namespace: the group's own, which need not be its trigger's.
        name: the group's.
        uid: of the group object.
        generation: which state of the group's spec this is.
        trigger: what is watched.
        opt_in: the label that the trigger must have; None if it need have none.
        version_label: the label whose value is the version under test.
        specs: the experiments, sorted by name.
        retest: what makes the same version worth another test.
        concurrency: how its specs that load run.
        suspend: True: launch nothing and delete nothing.
        history_limit: how many deleted experiments of each spec keep their record.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    trigger: ObjectRef
    opt_in: OptIn | None = OptIn()
    version_label: str = VERSION_LABEL
    specs: tuple[ExperimentSpec, ...]
    retest: Retest = Retest.ON_TEMPLATE_CHANGE
    concurrency: Concurrency = Concurrency.SERIAL
    suspend: bool = False
    history_limit: int = 10

    def is_opted_in(self, labels: Mapping[str, str]) -> bool:
        """Whether a trigger with these labels is to be tested."""
        return self.opt_in is None or labels.get(self.opt_in.label) == self.opt_in.value

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name: what the work queue carries."""
        return self.namespace, self.name
