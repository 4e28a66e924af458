"""The standard table of what simulated pods go through. Pure.

Its delays are zero unless a pod's annotations say otherwise, so that a plain pod is ready after one write. Other
stages are put before these, and ``stagefaults`` says what is wrong with them.
"""

from collections.abc import Sequence

from autox.model.stages import ANY, FOREVER, RUN_SECONDS, RUNNING, Selector, Stage, StageTable, State

START_SECONDS = "autox.dev/start-seconds"
READY_SECONDS = "autox.dev/ready-seconds"
PULL_ERROR_SECONDS = "autox.dev/image-pull-error-seconds"
CRASH_SECONDS = "autox.dev/crash-seconds"
FAILURE_PROBABILITY = "autox.dev/failure-probability"
FLAP_SECONDS = "autox.dev/flap-seconds"
UNREADY_SECONDS = "autox.dev/unready-seconds"

_ORDER = {state: number for number, state in enumerate(State)}
_RUNNING = (State.STARTING, State.READY, State.UNREADY)

STANDARD = (
    Stage(name="create", leaves=(State.PENDING,), to=State.CREATING),
    Stage(
        name="pull-error",
        leaves=(State.CREATING,),
        to=State.ERR_IMAGE_PULL,
        selector=Selector(annotations={PULL_ERROR_SECONDS: ANY}),
        message="the image cannot be pulled, as the pod's annotation says",
    ),
    Stage(name="start", leaves=(State.CREATING,), to=State.STARTING, delay_annotation=START_SECONDS),
    Stage(
        name="pulled",
        leaves=(State.ERR_IMAGE_PULL, State.IMAGE_PULL_BACK_OFF),
        to=State.STARTING,
        delay=FOREVER,
        delay_annotation=PULL_ERROR_SECONDS,
    ),
    Stage(
        name="pull-back-off",
        leaves=(State.ERR_IMAGE_PULL,),
        to=State.IMAGE_PULL_BACK_OFF,
        delay=10.0,
        message="Back-off pulling image",
    ),
    Stage(name="ready", leaves=(State.STARTING,), to=State.READY, delay_annotation=READY_SECONDS),
    Stage(
        name="crash",
        leaves=_RUNNING,
        to=State.CRASHED,
        selector=Selector(annotations={CRASH_SECONDS: ANY}),
        delay=FOREVER,
        delay_annotation=CRASH_SECONDS,
        exit_code=1,
    ),
    Stage(
        name="fail",
        leaves=_RUNNING,
        to=State.CRASHED,
        probability=0.0,
        probability_annotation=FAILURE_PROBABILITY,
        delay=None,
        delay_annotation=RUN_SECONDS,
        exit_code=1,
    ),
    Stage(
        name="succeed",
        leaves=_RUNNING,
        to=State.SUCCEEDED,
        selector=Selector(restart_policies=("Never", "OnFailure")),
        delay=None,
        delay_annotation=RUN_SECONDS,
    ),
    Stage(
        name="flap",
        leaves=(State.READY,),
        to=State.UNREADY,
        selector=Selector(annotations={FLAP_SECONDS: ANY}),
        delay=FOREVER,
        delay_annotation=FLAP_SECONDS,
    ),
    Stage(
        name="recover",
        leaves=(State.UNREADY,),
        to=State.READY,
        delay=5.0,
        delay_annotation=UNREADY_SECONDS,
    ),
    Stage(name="restart", leaves=(State.CRASHED,), to=State.STARTING, delay=1.0, backs_off=True),
    Stage(name="back-off", leaves=(State.CRASHED,), to=State.CRASH_LOOP_BACK_OFF, delay=1.0),
    Stage(name="start-again", leaves=(State.CRASH_LOOP_BACK_OFF,), to=State.STARTING, backs_off=True),
)
"""What every pod may go through."""

STANDARD_TABLE = StageTable(stages=STANDARD)


def before_standard(own: Sequence[Stage]) -> tuple[Stage, ...]:
    """A table of one's own stages and, after them, the standard ones; one of the same name takes the place of that."""
    by_name = {stage.name: stage for stage in own}
    standard = {stage.name for stage in STANDARD}
    return (
        *(stage for stage in own if stage.name not in standard),
        *(by_name.get(stage.name, stage) for stage in STANDARD),
    )


def is_immediate(stage: Stage, state: State) -> bool:
    """Is the stage taken at once when its delay is 0, even in one write with the one before?

    NB: only ahead in the order of states, so that no circle of stages is ever run through without a pause; and
    containers that run have run for a moment before they end.
    """
    return _ORDER[stage.to] > _ORDER[state] and (state not in RUNNING or stage.to in RUNNING)
