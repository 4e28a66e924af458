"""What long steps look like: on a terminal, in a log file, without colour, and when the terminal goes away."""

import io
import os
import pty
from collections.abc import Callable

import pytest

from autox.cli.parts.progress import TerminalProgress
from autox.cluster.binaries.progress import Unit, step

ERASE = "\r\x1b[2K"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Clock:
    """Time that passes when told."""

    now = 100.0

    def __call__(self) -> float:
        """The time now."""
        return self.now


def _live(columns: int = 80, *, no_color: str = "1") -> tuple[TerminalProgress, Terminal, Clock]:
    terminal, clock = Terminal(), Clock()
    environ = {"TERM": "xterm", "NO_COLOR": no_color}
    return TerminalProgress(terminal, environ=environ, clock=clock, columns=lambda: columns), terminal, clock


def _last_line(terminal: Terminal) -> str:
    return terminal.getvalue().rpartition(ERASE)[2]


def test_a_download_shows_bar_size_and_rate() -> None:
    """At a glance: how far, how fast, how long."""
    progress, terminal, clock = _live()
    progress.begin("downloading kubectl v1.36.3", unit=Unit.BYTES)
    clock.now += 4
    progress.advance(30_000_000, total=60_000_000)

    assert terminal.getvalue().startswith("downloading kubectl v1.36.3\n")
    assert _last_line(terminal) == "  [############------------]   50%  30.0/60.0 MB  7.5 MB/s  0:04"


def test_a_build_shows_packages_and_the_end_of_a_long_name() -> None:
    """The line never wraps; of a long package name the end is what tells."""
    progress, terminal, clock = _live()
    progress.begin("compiling etcd v3.6.16", total=581, unit=Unit.PACKAGES)
    clock.now += 65
    progress.advance(67, detail="go.etcd.io/etcd/server/v3/storage/schema/some/long/name")

    assert _last_line(terminal) == "  [###---------------------]   11%  67/581 packages  1:05  ..ema/some/long/name"
    assert len(_last_line(terminal)) == 79


@pytest.mark.parametrize("columns", [0, 1, 10, 20, 40, 79, 80, 500])
def test_the_live_line_fits_every_terminal(columns: int) -> None:
    """A narrow terminal loses the bar and the name, never the line."""
    progress, terminal, clock = _live(columns)
    progress.begin("x", total=1000, unit=Unit.PACKAGES)
    clock.now += 1
    progress.advance(5000, detail="k8s.io/kubernetes/pkg/apis/core/v1/zz_generated")

    assert len(_last_line(terminal)) <= max(0, min(columns, 80) - 1)


def test_the_end_says_how_long_it_took() -> None:
    """What stays on the screen is the title and the outcome."""
    progress, terminal, clock = _live()
    progress.begin("compiling etcd v3.6.16", total=10, unit=Unit.PACKAGES)
    clock.now += 45
    progress.end()

    assert _last_line(terminal) == "  done in 0:45\n"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [(OSError(), "failed"), (KeyboardInterrupt(), "interrupted"), (SystemExit(143), "interrupted")],
)
def test_a_step_that_is_left_says_so(failure: BaseException, outcome: str) -> None:
    """The live line is cleaned up whatever happens."""
    progress, terminal, _ = _live()
    with pytest.raises(type(failure)), step(progress, "x", total=3):
        raise failure

    assert _last_line(terminal) == f"  {outcome} after 0:00\n"


def test_a_line_appears_above_the_live_one() -> None:
    """Messages do not tear the bar apart."""
    progress, terminal, _ = _live()
    progress.begin("x", total=10, unit=Unit.MODULES)
    progress.say("no download: dl.k8s.io cannot be reached")

    assert terminal.getvalue().endswith(
        f"{ERASE}no download: dl.k8s.io cannot be reached\n{ERASE}  [{'-' * 24}]    0%  0/10 modules  0:00"
    )


def test_drawing_is_limited_to_ten_times_a_second() -> None:
    """A thousand packages a second do not flood a slow terminal."""
    progress, terminal, clock = _live()
    progress.begin("x", total=1000, unit=Unit.PACKAGES)
    for done in range(1000):
        clock.now += 0.001
        progress.advance(done)

    assert terminal.getvalue().count(ERASE) <= 12


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_used_unless_unwanted(no_color: str, coloured: bool) -> None:  # noqa: FBT001  - table
    """NO_COLOR is honoured."""
    progress, terminal, _ = _live(no_color=no_color)
    progress.begin("x", total=10, unit=Unit.PACKAGES)

    assert ("\x1b[36m" in terminal.getvalue()) is coloured


@pytest.mark.parametrize("make", [io.StringIO, Terminal], ids=["file", "dumb-terminal"])
def test_a_log_file_gets_plain_lines_now_and_then(make: Callable[[], io.StringIO]) -> None:
    """No control character in a CI log, and a sign of life every ten seconds."""
    stream, clock = make(), Clock()
    progress = TerminalProgress(stream, environ={"TERM": "dumb"}, clock=clock)
    progress.begin("compiling etcd v3.6.16", total=580, unit=Unit.PACKAGES)
    for second in range(25):
        clock.now += 1
        progress.advance(second * 10, detail="some/package")
    progress.say("a line")
    progress.end()

    assert stream.getvalue().splitlines() == [
        "compiling etcd v3.6.16",
        "   15%, 90/580 packages, 0:10",
        "   32%, 190/580 packages, 0:20",
        "a line",
        "  done in 0:25",
    ]


def test_hostile_text_cannot_drive_the_terminal() -> None:
    """What servers and compilers say is shown without control characters and without line breaks."""
    stream = io.StringIO()
    progress = TerminalProgress(stream, environ={})
    progress.begin("title\x1b[2J\r\n")
    progress.say("caf\u00e9 \u202e\x07")
    progress.end("failed\x00")

    assert stream.getvalue() == "title?[2J??\ncaf? ??\n  failed? after 0:00\n"


def test_a_terminal_that_goes_away_does_not_end_the_work() -> None:
    """Closing the window or the pipe leaves a build running that others may wait for."""
    read, write = os.pipe()
    os.close(read)
    stream = open(write, "w", encoding="ascii")  # noqa: SIM115, PTH123  - closed below, in a way of its own
    progress = TerminalProgress(stream, environ={})
    progress.begin("x")
    progress.end()
    with pytest.raises(BrokenPipeError):
        stream.close()
    progress.say("into the void")


def test_a_real_terminal_is_recognised() -> None:
    """On a pseudo-terminal the bar is live."""
    master, slave = pty.openpty()
    with open(slave, "w", encoding="ascii") as stream:  # noqa: PTH123  - a descriptor
        TerminalProgress(stream, environ={"TERM": "xterm"}).begin("x", total=10, unit=Unit.PACKAGES)
        shown = ""
        while "0:00" not in shown:
            shown += os.read(master, 4096).decode()
    os.close(master)

    assert "0/10 packages" in shown
    assert ERASE in shown


def test_steps_out_of_order_are_harmless() -> None:
    """A late report after the end shows nothing."""
    progress, terminal, _ = _live()
    progress.advance(5)
    progress.end()

    assert terminal.getvalue() == ""
