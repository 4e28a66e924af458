"""The report in a real browser: styled, in light and dark, on a desk and in a hand, and never wider than the screen.

A page of the test's own holds the report in a frame of the wanted width and measures it from outside: the report
itself may run no script, and headless Chromium's windows are never narrower than 500 pixels. Part of ``make e2e``,
which installs it.
"""

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from autox.report import comparedhtml
from autox.report.compared import compared
from autox.report.document import document
from autox.report.html import to_html
from tests.comparing.samples import every_kind
from tests.report.samples import every

pytestmark = pytest.mark.root

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=10000",
    "--dump-dom",
)
_LOOK = """<!DOCTYPE html><meta charset="utf-8"><pre id="told"></pre><script>
const told = {}, names = NAMES;
for (const name of names) {
  const frame = document.createElement("iframe");
  frame.style = "width:WIDTHpx;height:900px;border:0";
  frame.src = name + ".html";
  frame.onload = () => {
    const page = frame.contentDocument, style = (element) => frame.contentWindow.getComputedStyle(element);
    for (const details of page.querySelectorAll("details")) details.open = true;
    const wide = [...page.querySelectorAll("main *")].filter((element) => !element.closest(".scroll, .unseen, svg")
      && element.getBoundingClientRect().right > page.documentElement.clientWidth + 0.5);
    told[name] = {
      over: page.documentElement.scrollWidth - page.documentElement.clientWidth,
      wide: wide.map((element) => element.outerHTML.slice(0, 200)),
      ground: style(page.body).backgroundColor,
      drawn: [...page.querySelectorAll(".chart")].filter((chart) => style(chart).display !== "none")
        .map((chart) => chart.classList[1]),
      story: [...page.querySelectorAll(".story > *")].map((element) => element.getBoundingClientRect().bottom),
      letters: [...page.querySelectorAll(".chart text, .graph text")].map((text) => text.getBoundingClientRect().height)
        .filter((height) => height > 0 && height < 9).length,
    };
    if (Object.keys(told).length === names.length) document.getElementById("told").textContent = JSON.stringify(told);
  };
  document.body.append(frame);
}
</script>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every sample's report, and that of a matrix."""
    directory = tmp_path_factory.mktemp("pages")
    for name, result in every().items():
        (directory / f"{name}.html").write_text(to_html(document(result)), encoding="utf-8")
    matrix = every_kind()
    (directory / "matrix.html").write_text(comparedhtml.to_html(compared(matrix), matrix), encoding="utf-8")
    return directory


def look(pages: Path, *flags: str, width: int) -> dict[str, Any]:
    """What a browser makes of the reports in frames of this width."""
    names = json.dumps(sorted(page.stem for page in pages.glob("[a-z]*.html")))
    frame = pages / "_frame.html"
    frame.write_text(_LOOK.replace("NAMES", names).replace("WIDTH", str(width)), encoding="utf-8")
    done = subprocess.run(
        [
            "chromium",
            *_FLAGS,
            *flags,
            f"--user-data-dir={pages / 'profile'}",
            f"--window-size={width + 40},1000",
            str(frame),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = re.search(r'<pre id="told">(.+?)</pre>', done.stdout, re.DOTALL)
    assert told is not None, done.stdout[-2000:]
    found: dict[str, Any] = json.loads(html.unescape(told[1]))
    return found


def test_desktop(pages: Path) -> None:
    """On a desk the wide drawings are shown, the style sheet is in force, and nothing sticks out."""
    for name, told in look(pages, width=1200).items():
        assert (told["over"], told["wide"]) == (0, []), name
        assert told["ground"] == "rgb(246, 247, 249)"
        assert set(told["drawn"]) <= {"wide"}


@pytest.mark.parametrize("width", [360, 390])
def test_phone(pages: Path, width: int) -> None:
    """In a hand nothing must be pushed sideways but wide tables, and the letters of charts can be read."""
    for name, told in look(pages, width=width).items():
        assert (told["over"], told["wide"]) == (0, []), name
        assert set(told["drawn"]) <= {"narrow"}
        assert told["letters"] == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["desk", "hand"])
def test_above_the_fold(pages: Path, width: int, height: int) -> None:
    """What broke, when, why and what to do next can be read of a run that failed before anybody scrolls."""
    told = look(pages, width=width)["slow-scheduler"]["story"]

    assert len(told) == 2 * len(("What broke", "When", "Why", "What next"))
    assert max(told) <= height


def test_dark(pages: Path) -> None:
    """Who prefers dark gets dark."""
    told = look(pages, "--blink-settings=preferredColorScheme=0", width=1200)

    assert {each["ground"] for each in told.values()} == {"rgb(13, 17, 23)"}
