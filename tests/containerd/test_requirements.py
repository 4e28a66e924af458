"""What a machine lacks for a containerd node is told before anything is started."""

from pathlib import Path

import pytest

from autox.cluster.containerd import requirements
from autox.cluster.containerd.requirements import PROGRAMS, check, missing_packages
from autox.model.errors import ConfigurationError, UnsupportedError


def test_missing_packages_are_all_named_at_once(tmp_path: Path) -> None:
    """The user installs everything with one command, each package named once."""
    missing = missing_packages(path=str(tmp_path))

    assert {"containerd", "runc", "nftables", "iproute2"} <= set(missing)
    assert len(missing) == len(set(missing))


def test_a_program_that_is_there_is_not_missed(tmp_path: Path) -> None:
    """Who has containerd from elsewhere, in the system's path, needs no package of it."""
    for program in ("containerd", "ctr"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)

    assert "containerd" not in missing_packages(path=str(tmp_path))


def test_without_root_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is not root learns that, and that process nodes need no root."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(UnsupportedError, match="needs root") as error:
        check(places=[])

    assert "process nodes need none" in error.value.hint


def test_a_missing_package_is_refused_with_the_command_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error ends with what to type."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "missing_packages", lambda: ["runc", "nftables"])

    with pytest.raises(ConfigurationError, match="runc, nftables") as error:
        check(places=[])

    assert error.value.hint == "apt-get install --no-install-recommends runc nftables"


@pytest.mark.parametrize("place", ["/var/lib/jenkins/state", "/run/user/0", "/var/log/x", "/var/lib"])
def test_a_place_that_the_node_would_not_see_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """A state directory under /var/lib would be hidden by the node's own; the user is told where to put it."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "missing_packages", list)
    monkeypatch.setattr(requirements, "_BRIDGE_SWITCH", Path("/proc/self"))

    with pytest.raises(ConfigurationError, match=place) as error:
        check(places=[Path("/home"), Path(place)])

    assert "XDG_STATE_HOME" in error.value.hint


def test_every_program_has_a_package() -> None:
    """Nothing is needed that the user would have to find alone."""
    assert all(PROGRAMS.values())
