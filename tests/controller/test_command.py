"""Mistakes in how the controller is started are told before it does anything."""

import os
import sys
from pathlib import Path

import pytest

from tests.clusters import run


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
def test_a_mistake_at_the_start_is_told(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, one sentence that names what is wrong, no traceback."""
    hidden = ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "AUTOX_LOG_LEVEL")
    environ = {name: value for name, value in os.environ.items() if name not in hidden} | {"HOME": str(tmp_path)}
    done = run(sys.executable, "-m", "autox", "controller", *words, environ=environ)

    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
