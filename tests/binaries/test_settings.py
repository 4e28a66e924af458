"""What the environment decides about binaries."""

from pathlib import Path

import pytest

from autox.cluster.binaries.settings import BinarySettings
from autox.model.errors import ConfigurationError


def test_the_environment_names_the_places() -> None:
    """Each place has its variable."""
    found = BinarySettings.from_environment(
        {
            "AUTOX_BINARIES": "/opt/k8s",
            "PATH": "/usr/bin:/bin",
            "KUBEBUILDER_ASSETS": "/opt/assets",
            "XDG_CACHE_HOME": "/var/cache",
            "AUTOX_MIRROR": "https://mirror.example/k8s/",
            "AUTOX_OFFLINE": "1",
        }
    )

    assert found == BinarySettings(
        directory=Path("/opt/k8s"),
        search_path="/usr/bin:/bin",
        assets=Path("/opt/assets"),
        cache=Path("/var/cache/autox"),
        mirror="https://mirror.example/k8s",
        offline=True,
    )


@pytest.mark.parametrize("cache", ["", "relative/cache"])
def test_empty_and_senseless_values_count_as_unset(cache: str) -> None:
    """An empty variable is no directory, and a relative cache is ignored as the XDG specification demands."""
    found = BinarySettings.from_environment(
        {
            "HOME": "/home/me",
            "XDG_CACHE_HOME": cache,
            "AUTOX_BINARIES": "",
            "KUBEBUILDER_ASSETS": "",
            "AUTOX_MIRROR": "",
            "AUTOX_OFFLINE": "false",
        }
    )

    assert found == BinarySettings(cache=Path("/home/me/.cache/autox"))


def test_flags_win_over_the_environment() -> None:
    """What is typed now counts more than what was exported once."""
    environ = {"HOME": "/home/me", "AUTOX_BINARIES": "/old", "AUTOX_MIRROR": "https://old.example"}
    found = BinarySettings.from_environment(
        environ, directory=Path("/new"), mirror="http://127.0.0.1:8080", offline=True
    )

    assert (found.directory, found.mirror, found.offline) == (Path("/new"), "http://127.0.0.1:8080", True)


@pytest.mark.parametrize(
    "mirror",
    [
        "mirror.example",
        "ftp://mirror.example",
        "file:///etc",
        "https://",
        "http://[::1",
        "http://host:99999",
        "http://host/a b",
        "http://host/\x1b[2J",
        "https://host/?token=1",
    ],
)
def test_a_mirror_that_is_no_url_is_refused(mirror: str) -> None:
    """A mistake in the mirror is an error where it is made."""
    with pytest.raises(ConfigurationError, match="not an http or https URL"):
        BinarySettings.from_environment({"HOME": "/home/me", "AUTOX_MIRROR": mirror})


def test_a_password_in_the_mirror_is_refused_and_not_repeated() -> None:
    """Secrets in URLs end up in logs: they are turned away at the door, unquoted."""
    with pytest.raises(ConfigurationError) as caught:
        BinarySettings.from_environment({"HOME": "/home/me", "AUTOX_MIRROR": "https://me:hunter2@mirror.example"})

    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"
