"""Mistakes in how the controller is started are told before it does anything."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inside import autox


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    """What the controller logs is as it was afterwards."""
    logger = logging.getLogger("autox")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--listen", "8081"), "no ADDRESS:PORT"),
        (("--listen", "127.0.0.1:http"), "no ADDRESS:PORT"),
        (("--listen", "127.0.0.1:99999"), "no ADDRESS:PORT"),
        (("--charts", "nowhere"), "nowhere"),
        (("--log-level", "loud"), "loud"),
        (("--experiment-image", "no image"), "'no image' is no image"),
        (("--experiment-image", "https://registry.example/autox"), "is no image"),
        (("--experiment-image", "autox", "--experiment-pull-policy", "Sometimes"), "Sometimes"),
        ((), "kubeconfig"),
    ],
)
def test_a_mistake_at_the_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2, one sentence that names what is wrong, no traceback."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "AUTOX_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    done = autox("controller", *words, environ={"HOME": str(tmp_path)})

    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
