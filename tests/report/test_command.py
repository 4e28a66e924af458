"""`autox report` on a result file: what a user of `autox run -o json` gets."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from autox.api.results import object_from_result, result_from_object
from autox.report.document import document
from autox.report.html import to_html
from autox.report.text import to_text
from tests.clusters import Done, run
from tests.inside import autox
from tests.report.samples import failed, huge, looped


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A result as `autox run -o json` writes it."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps(object_from_result(failed())))
    return path


def report(*argv: str, **environ: str) -> Done:
    """Run ``autox report ARGV…`` where no cluster is."""
    kept = {**os.environ, "KUBECONFIG": os.devnull, **environ}
    return run(sys.executable, "-m", "autox", "report", *argv, environ=kept)


def told(*argv: str) -> Done:
    """The same within this process."""
    return autox("report", *argv, environ={"KUBECONFIG": os.devnull})


def test_text(file: Path) -> None:
    """A failed experiment's report was shown well: exit 0, plain text in a pipe, the verdict on the first line."""
    done = report("-f", str(file))

    assert done.code == 0
    assert done.out == to_text(document(failed()))


def test_json(file: Path) -> None:
    """The JSON form has everything, under the same keys as the stored result."""
    done = told("-f", str(file), "-o", "json")

    assert json.loads(done.out) == json.loads(file.read_text())


def test_html(file: Path, tmp_path: Path) -> None:
    """HTML goes into a file, by its ending or by -o, and into a pipe; always the same bytes."""
    wanted = to_html(document(failed()))
    by_ending, by_format = tmp_path / "one.html", tmp_path / "two"

    assert told("-f", str(file), "--to", str(by_ending)).code == 0
    assert told("-f", str(file), "-o", "html", "--to", str(by_format)).code == 0
    assert by_ending.read_text(encoding="utf-8") == wanted
    assert by_format.read_bytes() == by_ending.read_bytes()
    assert report("-f", str(file), "-o", "html").out == wanted


@pytest.mark.parametrize("result", [huge(), looped()], ids=["huge", "looped"])
def test_stored_and_shown(result: object, tmp_path: Path) -> None:
    """What was stored is shown as it was made."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps(object_from_result(result)))  # type: ignore[arg-type]

    assert told("-f", str(path)).out == to_text(document(result_from_object(json.loads(path.read_text()))))


def test_standard_input(file: Path) -> None:
    """A result can be piped in."""
    done = subprocess.run(
        [sys.executable, "-m", "autox", "report", "-f", "-"], input=file.read_bytes(), capture_output=True, check=True
    )

    assert done.stdout.startswith(b"Fail  ")


def test_ascii(file: Path) -> None:
    """A log that knows only ASCII gets the report nevertheless."""
    done = report("-f", str(file), PYTHONIOENCODING="ascii")

    assert done.code == 0
    assert r"\u2264 50 ms" in done.out


def test_terminal(file: Path) -> None:
    """A terminal gets colour unless NO_COLOR says otherwise, and no HTML: it is told where that could go."""
    coloured = on_terminal("-f", str(file))
    plain = on_terminal("-f", str(file), NO_COLOR="1")
    html = on_terminal("-f", str(file), "-o", "html")

    assert "\x1b[31mFail\x1b[0m" in coloured
    assert "\x1b" not in plain
    assert "hint: add --to report.html" in html


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("-f", "RESULT", "web"), "--file says it all"),
        (("-g", "web", "web-http-1"), "--group is for the newest one"),
        (("-f", "RESULT", "-o", "pdf"), "'pdf' is not one of"),
        (("-f", "/nonexistent"), "/nonexistent cannot be read"),
        (("-f", "/"), "/ cannot be read"),
        (("-f", "RESULT", "--to", "/nonexistent/x.html"), "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes(argv: tuple[str, ...], words: str, file: Path) -> None:
    """A mistake is named, without a traceback: exit 2."""
    done = told(*(str(file) if word == "RESULT" else word for word in argv))

    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "result"),
        (b'{"kind": "Pod"}', "result"),
        (b'{"a": NaN}', "result"),
        (b" " * (9 << 20), "is larger than"),
    ],
    ids=["empty", "binary", "deep", "list", "pod", "nan", "large"],
)
def test_no_result(content: bytes, words: str, tmp_path: Path) -> None:
    """A file that is no result is refused in one sentence."""
    path = tmp_path / "x.json"
    path.write_bytes(content)
    done = told("-f", str(path))

    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


def on_terminal(*argv: str, **environ: str) -> str:
    """What ``autox report ARGV…`` prints where its output is a terminal."""
    ours, its = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "autox", "report", *argv],
        stdout=its,
        stderr=its,
        env={**kept, "TERM": "xterm", **environ},
    ) as process:
        os.close(its)
        text = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:  # the terminal's other end was closed
                break
            if not got:
                break
            text += got
        process.wait()
    os.close(ours)
    return text.decode()
