"""The image as it is built: the same each time, small, and with nothing in it that nobody needs."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from autox import __version__
from tests.clusters import Done, run
from tests.realnode.images import ARCHIVE

pytestmark = pytest.mark.realnode

ROOT = Path(__file__).parents[2]
USER = 65532
FORBIDDEN = ("sh", "bash", "dash", "busybox", "cc", "gcc", "make", "apt", "dpkg", "perl", "pip", "pip3", "curl", "wget")


def manifest_of(archive: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the blobs of an archive."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # all are files
    index = json.loads(files["index.json"])
    blobs = {f"sha256:{Path(name).name}": content for name, content in files.items() if name.startswith("blobs/")}
    return json.loads(blobs[index["manifests"][0]["digest"]]), blobs


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root file system of the image."""
    root = tmp_path_factory.mktemp("image") / "root"
    root.mkdir()
    root.parent.chmod(0o755)
    manifest, blobs = manifest_of(ARCHIVE)
    for layer in manifest["layers"]:
        subprocess.run(["tar", "-xz", "-C", str(root)], input=blobs[layer["digest"]], check=True)
    return root


def inside(root: Path, *argv: str) -> Done:
    """Run a command in the image as its user."""
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": "/opt/autox", "HOME": "/nowhere"}
    return run("/usr/sbin/chroot", f"--userspec={USER}:{USER}", str(root), *argv, environ=environ)


def test_two_builds_are_the_same(tmp_path: Path) -> None:
    """A second build of the same tree has the same layers, to the byte, and the same bill of materials."""
    done = run(sys.executable, "-m", "image.build", "--output", str(tmp_path), environ=dict(os.environ))
    assert done.code == 0, done.err
    first, second = manifest_of(ARCHIVE)[0], manifest_of(tmp_path / "autox.tar")[0]

    assert [layer["digest"] for layer in first["layers"]] == [layer["digest"] for layer in second["layers"]]
    bills = [json.loads((place / "autox.spdx.json").read_text()) for place in (ARCHIVE.parent, tmp_path)]
    assert bills[0]["packages"] == bills[1]["packages"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autox.spdx.json", "autox.tar"]


def test_it_runs_as_nobody_in_particular() -> None:
    """The image names a user that is not root by number, as ``runAsNonRoot`` demands, and starts autox."""
    manifest, blobs = manifest_of(ARCHIVE)
    config = json.loads(blobs[manifest["config"]["digest"]])["config"]

    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == ["python3", "-m", "autox"]


def test_there_is_nothing_to_break_in_with(unpacked: Path) -> None:
    """No shell, no compiler, no package manager, no setuid program, no file that the image's user could change."""
    programs = {
        path.name
        for place in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin")
        for path in (unpacked / place).glob("*")
    }
    assert programs.isdisjoint(FORBIDDEN)
    assert programs == {"python3", "python3.11", "helm"}
    files = [path for path in unpacked.rglob("*") if not path.is_symlink()]
    assert [path for path in files if path.is_file() and path.stat().st_mode & 0o6000] == []
    assert [
        path for path in files if path.stat().st_uid == USER or (path.is_file() and path.stat().st_mode & 0o002)
    ] == []


def test_no_secret_and_no_trace_of_the_builder(unpacked: Path) -> None:
    """Nothing says where or by whom it was built, and no private key is inside."""
    here = str(ROOT).encode()
    for path in (unpacked / "opt/autox").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert here not in content, path
            assert b"BEGIN PRIVATE KEY" not in content or path.suffix in (".py", ".pyc", ".so"), path


def test_commands_of_the_charts_run_in_it(unpacked: Path) -> None:
    """What the charts' pods are told to do is there, helm included."""
    assert inside(unpacked, "python3", "-m", "autox", "--version").out == f"autox, version {__version__}\n"
    for command in ("controller", "run", "nodes run", "density sweep", "history"):
        told = inside(unpacked, "python3", "-m", "autox", *command.split(), "--help")
        assert told.code == 0, told.err
    assert inside(unpacked, "helm", "version", "--short").out.startswith("v4.")


def test_every_module_is_compiled_and_can_be_imported(unpacked: Path) -> None:
    """Nothing is compiled at each start, and no module misses what was left out."""
    script = (
        "import importlib, os, pkgutil, autox, sys\n"
        "for each in pkgutil.walk_packages(autox.__path__, 'autox.'):\n"
        "    if '.modules' not in each.name and each.name != 'autox.__main__':\n"
        "        importlib.import_module(each.name)\n"
        "specs = [s for m in sys.modules.values() if (s := getattr(m, '__spec__', None)) and s.has_location]\n"
        "bare = [s.name for s in specs if s.origin.endswith('.py') and not os.path.exists(s.cached)]\n"
        "print(bare)"
    )
    done = inside(unpacked, "python3", "-c", script)

    assert done.code == 0, done.err
    assert done.out == "[]\n"


def test_the_bill_names_what_is_inside(unpacked: Path) -> None:
    """Each library and package that is in the image is in its bill of materials, and nothing else."""
    bill = json.loads((ARCHIVE.parent / "autox.spdx.json").read_text())
    named = {
        each["externalRefs"][0]["referenceLocator"].partition("@")[0].partition("?")[0] for each in bill["packages"]
    }
    libraries = {
        path.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
        for path in (unpacked / "opt/autox").glob("*.dist-info")
    }
    packages = {path.name for path in (unpacked / "var/lib/dpkg/status.d").iterdir()}

    assert named == {
        "pkg:oci/autox",
        "pkg:golang/helm.sh/helm/v4",
        *(f"pkg:pypi/{name}" for name in libraries),
        *(f"pkg:deb/debian/{name}" for name in packages),
    }


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        (("--base", "oci-archive:/nonexistent.tar"), "nonexistent.tar"),
        (("--output", "/proc/nowhere"), "/proc/nowhere"),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing(argument: tuple[str, ...], told: str, tmp_path: Path) -> None:
    """A base that is not there or a place that cannot be written is named; no half of an image is left."""
    output = () if "--output" in argument else ("--output", str(tmp_path / "out"))
    done = run(sys.executable, "-m", "image.build", *argument, *output, environ=dict(os.environ))

    assert done.code == 3
    assert told in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.rglob("*.tar"))
