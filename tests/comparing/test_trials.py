"""The trials of a matrix one after another: kept, gone on with, made again where they were spoilt, ended in time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import pytest

from autox.api.results import object_from_result
from autox.cli.parts.progress import TerminalProgress
from autox.cli.parts.trialprogress import TrialProgress
from autox.core.statistics.contrasts import observation, slots
from autox.model.errors import ConfigurationError, PermanentError
from autox.model.matrix import Matrix, Slot, Trial
from autox.model.result import ExperimentResult
from autox.model.verdict import Verdict
from autox.tasks.density.matrix.keeping import Kept
from autox.tasks.density.matrix.running import Runner
from tests.comparing.samples import CACHE, CPU, matrix, result

PAIR = matrix(CACHE, trials=3)
VERSIONS = {"": {"etcd": "v3.6.16"}}


@dataclass
class Desk:
    """Makes trials of ten seconds each as they are scripted, by a clock of its own, and writes down what it is told."""

    script: Sequence[ExperimentResult | Exception | None] = ()
    now: float = 0.0
    made: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    left: list[float] = field(default_factory=list)

    async def attempt(self, slot: Slot) -> ExperimentResult | None:
        """The next result of the script, or a good one once it is at its end."""
        self.now += 10.0
        self.made.append(slot.name)
        number = len(self.made) - 1
        found = self.script[number] if number < len(self.script) else result({CPU: 1.0})
        if isinstance(found, Exception):
            raise found
        return found

    def plans(self, *, made: int, total: int, seconds: float) -> None:
        """See ``Telling``."""
        self.told.append(f"{made} of {total}, {seconds:g} s")

    def begins(self, slot: Slot, *, number: int, left: float) -> None:
        """See ``Telling``."""
        self.told.append(f"{number} {slot.name}")
        self.left.append(left)

    def says(self, line: str) -> None:
        """See ``Telling``."""
        self.told.append(line)

    def tells(self, line: str) -> None:
        """See ``Telling``."""
        self.told.append(line)

    def ended(self, slot: Slot, result: ExperimentResult, *, seconds: float) -> None:
        """See ``Telling``."""
        self.told.append(f"{slot.name} {result.verdict} {seconds:g} s")

    async def run(self, folder: Path, of: Matrix = PAIR) -> tuple[tuple[Trial, ...], str]:
        """Make what is missing in a folder."""
        kept = Kept(folder, of, VERSIONS)
        return await Runner(matrix=of, kept=kept, attempt=self.attempt, telling=self, clock=lambda: self.now).run()


NAMES = [each.name for each in slots(PAIR)]


async def test_all_trials_are_made_in_order_and_kept(tmp_path: Path) -> None:
    """Each in a file of its own that `autox report -f` reads; how long the rest takes is told by those before it."""
    desk = Desk()
    trials, why = await desk.run(tmp_path / "kept")

    assert (desk.made, why) == (NAMES, "")
    assert [each.slot.name for each in trials] == NAMES
    assert desk.told[:3] == ["0 of 6, 90 s", f"1 {NAMES[0]}", f"{NAMES[0]} NoData 10 s"]
    assert desk.left == [90.0, 50.0, 40.0, 30.0, 20.0, 10.0]
    assert {each.name for each in (tmp_path / "kept").iterdir()} == {"matrix.json", *(f"{each}.json" for each in NAMES)}
    assert json.loads((tmp_path / "kept" / f"{NAMES[0]}.json").read_text())["kind"] == "ExperimentResult"


async def test_a_run_that_was_ended_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    """What was under way is not kept; what was made is not made again, nor once all are there."""
    first = Desk(script=[result({CPU: 1.0}), None])
    trials, why = await first.run(tmp_path)
    assert ([each.slot.name for each in trials], why) == (NAMES[:1], "it was interrupted")

    second = Desk()
    trials, why = await second.run(tmp_path)
    assert (second.made, len(trials), why) == (NAMES[1:], 6, "")

    third = Desk()
    assert (await third.run(tmp_path))[0] == trials
    assert third.made == []


async def test_more_trials_are_added_to_those_that_are_kept(tmp_path: Path) -> None:
    """Who is told that it takes more of them raises the number."""
    await Desk().run(tmp_path)
    desk = Desk()
    trials, _ = await desk.run(tmp_path, replace(PAIR, trials=4))

    assert (len(desk.made), len(trials)) == (2, 8)
    assert all(each.startswith("04-") for each in desk.made)


async def test_a_trial_that_was_spoilt_is_made_again(tmp_path: Path) -> None:
    """Twice at the most; one that is spoilt each time is left out of all figures, and none stands in for it."""
    spoilt = result({CPU: 9.0}, Verdict.INVALID, "this process stood still")
    desk = Desk(script=[spoilt, result({CPU: 1.0}), spoilt, spoilt, spoilt])
    trials, _ = await desk.run(tmp_path)

    assert desk.made[:5] == [NAMES[0]] * 2 + [NAMES[1]] * 3
    assert [each.result.environment["attempts"] for each in trials[:3]] == ["2", "3", "1"]
    assert [dict(observation(each).values) for each in trials[:3]] == [{CPU: 1.0}, {}, {CPU: 1.0}]
    assert f"{NAMES[0]} was spoilt: this process stood still" in desk.told


@pytest.mark.parametrize(("verdict", "counts"), [(Verdict.FAIL, True), (Verdict.ERROR, False)])
async def test_a_trial_that_failed_is_a_result(tmp_path: Path, verdict: Verdict, *, counts: bool) -> None:
    """It is not made again until it passes; what broke off has no figures to count."""
    desk = Desk(script=[result({CPU: 9.0}, verdict, "pods came late")])
    trials, _ = await desk.run(tmp_path)

    assert desk.made == NAMES
    assert dict(observation(trials[0]).values) == ({CPU: 9.0} if counts else {})


async def test_no_trial_begins_that_would_not_end_in_time(tmp_path: Path) -> None:
    """As long as the ones before it is too long: 33 s hold three, and another run goes on."""
    short = replace(PAIR, within=33.0)
    trials, why = await Desk().run(tmp_path, short)

    assert len(trials) == 3
    assert why == "another trial would not end within 0.55 min"
    assert len((await Desk().run(tmp_path, short))[0]) == 6


async def test_a_control_plane_that_does_not_come_up_ends_it(tmp_path: Path) -> None:
    """A flag that is wrong is told at once and not after an hour; the trials before it are kept."""
    desk = Desk(script=[result({CPU: 1.0}), PermanentError("apiServer ended before it was ready")])

    with pytest.raises(PermanentError, match="apiServer ended"):
        await desk.run(tmp_path)
    assert (tmp_path / f"{NAMES[0]}.json").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kind": "x"}', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
async def test_a_file_that_is_no_result_is_made_again(tmp_path: Path, text: str) -> None:
    """Half a file, or another one, never counts; it is told."""
    await Desk().run(tmp_path)
    (tmp_path / f"{NAMES[2]}.json").write_text(text)
    desk = Desk()
    await desk.run(tmp_path)

    assert desk.made == [NAMES[2]]
    assert any("is no result: that trial is made again" in each for each in desk.told)


@pytest.mark.parametrize(
    ("of", "versions", "told"),
    [
        pytest.param(replace(PAIR, digest="other"), VERSIONS, "holds trials of another matrix", id="another document"),
        pytest.param(PAIR, {"": {"etcd": "v3.7.3"}}, "holds trials of other programs", id="other programs"),
    ],
)
async def test_trials_of_something_else_are_not_mixed_in(
    tmp_path: Path, of: Matrix, versions: dict[str, dict[str, str]], told: str
) -> None:
    """A directory belongs to one matrix and its programs."""
    await Desk().run(tmp_path)

    with pytest.raises(ConfigurationError, match=told):
        Kept(tmp_path, of, versions).claim()


def test_a_directory_of_other_things_is_left_alone(tmp_path: Path) -> None:
    """Nobody's files are mixed with trials, and what is no record is not overwritten."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigurationError, match="is not empty, and holds no trials"):
        Kept(tmp_path, PAIR, VERSIONS).claim()

    (tmp_path / "matrix.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"matrix\.json cannot be read"):
        Kept(tmp_path, PAIR, VERSIONS).claim()


async def test_a_place_that_cannot_be_written_is_told_before_the_first_trial(tmp_path: Path) -> None:
    """And not after it."""
    (tmp_path / "file").touch()
    desk = Desk()

    with pytest.raises(PermanentError):
        await desk.run(tmp_path / "file")
    assert desk.made == []


def test_progress_in_a_log_is_a_line_for_each_trial() -> None:
    """Which trial of how many, how long yet, and how it ended if it did not bring its load."""
    stream, slot = StringIO(), next(slots(PAIR))
    telling = TrialProgress(TerminalProgress(stream, clock=lambda: 0.0))
    telling.plans(made=2, total=6, seconds=400.0)
    telling.begins(slot, number=3, left=400.0)
    telling.says("\x1b[31mloading")
    telling.tells("\x1b[31mit was spoilt")
    telling.ended(slot, result({}, Verdict.FAIL, "pods came late"), seconds=9.0)

    assert stream.getvalue().splitlines() == [
        "2 of 6 trials are kept; the rest takes about 7 min",
        f"trial 3 of 6, block 1: {slot.variant.name}; about 7 min left",
        "\\x1b[31mit was spoilt",
        "  Fail: pods came late, after 0:00",
    ]


def test_a_result_is_kept_whole(tmp_path: Path) -> None:
    """What is read back is what was written, infinite figures included."""
    kept = Kept(tmp_path, PAIR, VERSIONS)
    slot = next(slots(PAIR))
    found = result({CPU: float("inf")})
    kept.keep(slot, found)

    back = kept.results(say=pytest.fail)[slot.name]
    assert object_from_result(back) == object_from_result(found)
    assert observation(Trial(slot=slot, result=back)).values == {CPU: float("inf")}
