"""The page about virtual nodes says what is."""

import re
from pathlib import Path

import pytest

from autox.api.stages import load_stages
from autox.core.pods.stagetable import STANDARD
from autox.nodes.mock.logs import LOG_INTERVAL
from autox.nodes.mock.stagedocs import with_generated
from autox.nodes.mock.usage import CPU_USAGE, MEMORY_USAGE

PAGE = Path(__file__).parents[2] / "docs" / "virtual-nodes.md"


def test_the_diagram_and_the_table_are_those_of_the_stages() -> None:
    """If this fails: ``python -m autox.nodes.mock.stagedocs``."""
    text = PAGE.read_text()

    assert with_generated(text) == text


def test_a_page_without_marks_is_refused() -> None:
    """Rather than left as it is."""
    with pytest.raises(ValueError, match="nothing between"):
        with_generated("# A page\n")


def test_the_example_is_a_file_that_is_taken(tmp_path: Path) -> None:
    """Word for word."""
    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    file = tmp_path / "stages.yaml"
    file.write_text(examples[0])

    table = load_stages(file)

    assert [stage.name for stage in table.stages[:3]] == ["out-of-memory", "slow-registry", "batch"]
    assert [outage.name for outage in table.outages] == ["flaky-rack"]


def test_every_annotation_that_is_read_is_explained() -> None:
    """And none that is not: neither by the standard stages, nor for usage and logs."""
    explained = set(re.findall(r"^\| `([a-z-]+): ", PAGE.read_text(), re.MULTILINE))
    read = {key for stage in STANDARD for key in (stage.delay_annotation, stage.probability_annotation) if key}

    assert {f"autox.dev/{name}" for name in explained} == read | {CPU_USAGE, MEMORY_USAGE, LOG_INTERVAL}
