"""The image as it is built: the same each time, small, with nothing in it that nobody needs and all that pods ask for.

Part of ``make e2e``, which installs buildah. In one file on purpose: however many processes the tests are spread over,
the image is built a second time by one.
"""

import json
import re
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from autox import __version__
from image.contents import read
from tests.image.archives import manifest
from tests.image.conftest import Built
from tests.image.inside import TMP, USER, Unpacked
from tests.image.making import ROOT

pytestmark = pytest.mark.root

CHARTS = "usr/local/lib/python3.11/dist-packages/autox/charts"
VALUES: dict[str, dict[str, Any]] = {
    "autox": {},
    "experiment": {
        "tasks": ["http", "density", "assess"],
        "http": {"url": "http://web.default/"},
        "density": {"kubeconfigSecret": "b"},
        "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
    },
    "nodes": {
        "kubeconfigSecret": "b",
        "stages": {"stages": [{"name": "a", "from": ["ContainerCreating"], "to": "Starting"}]},
    },
}


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """200 OK."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  - the library's name
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def pods(image: Unpacked, chart: str) -> list[dict[str, Any]]:
    """The specs of the pods in a chart, rendered by the image's helm from the image's charts."""
    (image.scratch / "values.yaml").write_text(json.dumps(VALUES[chart]))
    rendered = image.run("helm", "template", "x", f"/{CHARTS}/{chart}", "--values", f"{TMP}/values.yaml")
    assert rendered.code == 0, rendered.err
    found = []
    for each in yaml.safe_load_all(rendered.out):
        spec = (each or {}).get("spec", {})
        if "containers" in spec:
            found.append(spec)
        elif "template" in spec:
            found.append(spec["template"]["spec"])
    return found


def test_two_builds_are_the_same(built: Built) -> None:
    """Whoever builds this commit again gets the same layers and the same bill of materials, to the byte."""
    (first, _), (second, _) = (manifest(output / "autox.tar") for output in built.outputs)

    assert first == second
    assert len(first["layers"]) == 5
    assert built.bill.read_bytes() == (built.outputs[1] / "autox.spdx.json").read_bytes()


def test_a_build_leaves_two_files_and_nothing_else(built: Built) -> None:
    """No storage of buildah's, no mount and no half of an image is left on the machine."""
    assert sorted(path.name for path in built.outputs[0].iterdir()) == ["autox.spdx.json", "autox.tar"]
    assert built.left == []
    assert "autox-image-" not in Path("/proc/self/mounts").read_text()


def test_a_build_says_what_is_large(built: Built) -> None:
    """Everything of over 10 MB is listed, so that nothing grows unseen; there are three such things."""
    large = re.findall(r"^ *[\d.]+ MB  (\S+)", built.said, re.MULTILINE)

    assert large[:3] == ["helm.sh/helm/v4", "uvloop", "libpython3.11-stdlib"]
    assert sum(read(built.archive).files.values()) < 180e6


def test_it_runs_as_no_root_and_starts_autox(built: Built) -> None:
    """A pod with ``runAsNonRoot`` and no command is let in, and autox takes the charts' arguments."""
    config = read(built.archive).config

    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == ["autox"]
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert not any("buildah" in label for label in config["Labels"])


def test_the_programs_are_autox_helm_and_python(image: Unpacked) -> None:
    """There is no shell, no compiler, no package manager and no tool for who breaks in."""
    places = ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "usr/games", "usr/libexec")
    programs = {path.name for place in places for path in (image.root / place).glob("*")}

    assert programs == {"autox", "helm", "python3", "python3.11"}
    assert [name for name in ("bin", "sbin", "lib") if not (image.root / name).is_symlink()] == []


def test_its_user_can_change_nothing(image: Unpacked) -> None:
    """No program runs as somebody else, and nothing but temporary directories can be written."""
    setuid, writable = [], []
    for path in image.root.rglob("*"):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o6000:
            setuid.append(path)
        if not stat.S_ISLNK(found.st_mode) and (found.st_mode & 0o002 or found.st_uid != 0 or found.st_gid != 0):
            writable.append(str(path.relative_to(image.root)))

    assert setuid == []
    assert sorted(writable) == ["home/nonroot", "tmp", "var/tmp"]


def test_no_secret_and_no_trace_of_the_machine_is_in_it(image: Unpacked) -> None:
    """Neither a private key nor a path of who built it gets to who runs it."""
    keys = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")
    for path in image.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not keys.search(content), path
            assert str(ROOT).encode() not in content, path
            assert b"autox-image-" not in content or path.suffix in {".py", ".pyc"}, path


def test_the_programs_run(image: Unpacked) -> None:
    """Autox and helm start without root, without a shell and without writing anything."""
    assert image.run("autox", "--version").out == f"autox, version {__version__}\n"
    assert image.run("helm", "version", "--short").out.startswith("v4.")


def test_all_libraries_are_there(image: Unpacked) -> None:
    """No module of Python's and no program links to what was left out."""
    (loader,) = (path for path in (image.root / "usr").rglob("ld-linux-*.so.*") if not path.is_symlink())
    files = [*(image.root / "usr").rglob("*.so"), image.root / "usr" / "bin" / "python3.11"]
    for file in files:
        done = image.run(f"/{loader.relative_to(image.root)}", "--list", f"/{file.relative_to(image.root)}")
        assert done.code == 0, done.err
        assert "not found" not in done.out


def test_every_module_loads_and_is_compiled(image: Unpacked) -> None:
    """What was left out is missed by none but what brings up clusters, and nothing is compiled at each start."""
    script = """\
import importlib, os, pkgutil, sys, autox
clusters = "autox.cluster.", "autox.cli.commands.cluster"
matrices = "autox.cli.commands.density.matrix", "autox.tasks.density.matrix"
for found in pkgutil.walk_packages(autox.__path__, "autox."):
    if not found.name.startswith((*clusters, *matrices)) and found.name != "autox.__main__":
        importlib.import_module(found.name)
specs = [module.__spec__ for module in sys.modules.values() if getattr(module, "__spec__", None)]
print([spec.name for spec in specs if (spec.origin or "").endswith(".py") and not os.path.exists(spec.cached)])
"""
    done = image.run("python3", "-c", script)

    assert (done.code, done.out) == (0, "[]\n"), done.err


def test_tls_names_and_time_zones_work(image: Unpacked) -> None:
    """Autox reaches servers with public certificates, finds its own name, and knows when a schedule's hour is."""
    script = """\
import pwd, os, ssl, zoneinfo
print(len(ssl.create_default_context().get_ca_certs()) > 100, pwd.getpwuid(os.getuid()).pw_name)
print(zoneinfo.ZoneInfo("Europe/Berlin"), os.path.exists("/usr/share/zoneinfo/Europe/Berlin"))
"""
    done = image.run("python3", "-c", script)

    assert done.out == "True nonroot\nEurope/Berlin True\n", done.err


def test_a_pod_finds_its_identity_and_a_kubeconfig_its_plugin(image: Unpacked) -> None:
    """A service account's token is used, and a kubeconfig's plugin runs though most of the official client is gone."""
    script = """\
import asyncio, json, pathlib
from autox.kube.auth import from_kubeconfig, in_cluster
certificate = next(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt")).read_text()
account = pathlib.Path("/tmp/pod/var/run/secrets/kubernetes.io/serviceaccount")
account.mkdir(parents=True)
for name, content in {"token": "of-the-pod", "ca.crt": certificate, "namespace": "here"}.items():
    (account / name).write_text(content)
environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
print(asyncio.run(in_cluster(environ | {"CONTAINER_SANDBOX_MOUNT_POINT": "/tmp/pod"}).credentials.headers()))
version = "client.authentication.k8s.io/v1"
answer = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": {"token": "of-the-plugin"}})
recipe = {"apiVersion": version, "command": "python3", "args": ["-c", f"print({answer!r})"], "interactiveMode": "Never"}
pathlib.Path("/tmp/config").write_text(json.dumps({
    "current-context": "b", "contexts": [{"name": "b", "context": {"cluster": "b", "user": "b"}}],
    "clusters": [{"name": "b", "cluster": {"server": "https://10.0.0.1"}}],
    "users": [{"name": "b", "user": {"exec": recipe}}],
}))
print(asyncio.run(from_kubeconfig(pathlib.Path("/tmp/config")).credentials.headers()))
"""
    done = image.run("python3", "-c", script)

    assert done.out == ("(('Authorization', 'Bearer of-the-pod'),)\n(('Authorization', 'Bearer of-the-plugin'),)\n"), (
        done.err
    )


def test_the_bill_names_what_is_inside(built: Built, image: Unpacked) -> None:
    """Each package, each library and helm's modules are in the bill of materials, and what was left out is not."""
    bill = json.loads(built.bill.read_text())
    named = {unquote(each["externalRefs"][0]["referenceLocator"].split("@")[0]) for each in bill["packages"]}
    libraries = {path.name.split("-")[0].lower() for path in image.root.rglob("*.dist-info")}
    packages = {path.name for path in (image.root / "var/lib/dpkg/status.d").iterdir() if path.suffix != ".md5sums"}

    assert {name.replace("_", "-").replace(".", "-") for name in libraries} == {
        name.removeprefix("pkg:pypi/") for name in named if name.startswith("pkg:pypi/")
    }
    assert {name.removeprefix("pkg:deb/debian/") for name in named if name.startswith("pkg:deb/")} == packages
    assert {"pkg:golang/helm.sh/helm/v4", "pkg:golang/k8s.io/client-go", "pkg:pypi/autox"} < named
    assert "pkg:pypi/cryptography" not in named


@pytest.mark.parametrize("chart", VALUES)
def test_the_pods_of_a_chart_start_with_the_image(image: Unpacked, chart: str) -> None:
    """Each container leaves its program to the image, and the image knows the command and every option it is given."""
    found = pods(image, chart)
    containers = [each for pod in found for each in (*pod.get("initContainers", []), *pod["containers"])]

    assert containers
    assert {pod["securityContext"]["runAsUser"] for pod in found} == {USER}
    for container in containers:
        assert "command" not in container
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        done = image.run("autox", *map(str, container["args"]), "--help")
        assert done.code == 0, done.err


def test_an_experiment_runs_in_the_image(image: Unpacked, page: str) -> None:
    """Load is driven and a verdict is reached, with nothing to write to but /tmp."""
    tasks = [
        {"task": "http", "with": {"url": page, "numRequests": 20, "qps": 100}},
        {"task": "assess", "with": {"SLOs": {"upper": {"http/error-count": 0}}}},
    ]
    (image.scratch / "experiment.yaml").write_text(json.dumps({"tasks": tasks}))

    done = image.run("autox", "run", "-f", f"{TMP}/experiment.yaml", "-o", "json", KUBECONFIG="/nowhere")

    # NB: where the machine is busy the verdict is Invalid, for the generator was late.
    assert done.code in {0, 3}, done.err
    assert "20 requests" in done.err
    assert "1 of 1 SLOs met" in done.err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        pytest.param(["controller", "--namespace", "x"], "no kubeconfig", id="controller"),
        pytest.param(["nodes", "run", "--count=1", f"--kubeconfig={TMP}/absent"], f"{TMP}/absent", id="nodes"),
        pytest.param(["history", "--namespace", "x"], "no kubeconfig", id="history"),
    ],
)
def test_where_there_is_no_cluster_that_is_said(image: Unpacked, argv: list[str], told: str) -> None:
    """The pods' programs start, look for their cluster, and say that there is none."""
    done = image.run("autox", *argv)

    assert done.code not in {0, 1}
    assert told in done.err
    assert "Traceback" not in done.err
