"""The file that sets up an agent of virtual nodes: what it may say, and how its mistakes are told."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from autox.api.nodes import load_nodes_config
from autox.model.errors import ConfigurationError

FULL = """
provider: process
stateDir: state
nodes: [{name: a-node-0, kubeconfig: node.kubeconfig}, {name: a-node-1, kubeconfig: /etc/node.kubeconfig}]
kubelet: {address: 127.7.0.1, certFile: a.crt, keyFile: a.key, clientCAFile: ca.crt}
podCIDR: 10.7.0.0/16
images:
- {image: "autox*", entrypoint: [/usr/bin/python3, -m, autox], path: [bin, /usr/bin]}
crashLoopBackOff: {initialSeconds: 0.5, limitSeconds: 8}
logs: {maxBytes: 5000}
allowRemote: true
"""


def written(folder: Path, text: str | bytes) -> Path:
    """The text as a file."""
    path = folder / "nodes.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_everything_is_read(tmp_path: Path) -> None:
    """Every field arrives, and relative paths are taken from the file's folder."""
    config = load_nodes_config(written(tmp_path, FULL))

    assert (config.provider, config.state_dir) == ("process", tmp_path / "state")
    assert [(node.name, node.kubeconfig) for node in config.nodes] == [
        ("a-node-0", tmp_path / "node.kubeconfig"),
        ("a-node-1", Path("/etc/node.kubeconfig")),
    ]
    assert config.kubelet is not None
    assert (config.kubelet.port, config.kubelet.client_ca_file) == (10250, tmp_path / "ca.crt")
    assert config.pod_cidr == IPv4Network("10.7.0.0/16")
    assert config.images[0].entrypoint == ("/usr/bin/python3", "-m", "autox")
    assert config.images[0].path == (tmp_path / "bin", Path("/usr/bin"))
    assert (config.crash_loop_back_off.initial_seconds, config.crash_loop_back_off.limit_seconds) == (0.5, 8.0)
    assert (config.log_max_bytes, config.allow_remote) == (5000, True)


def test_json_is_read_too(tmp_path: Path) -> None:
    """JSON is YAML, and what is not given has its default."""
    config = load_nodes_config(written(tmp_path, '{"provider": "mock", "mock": {"kubeconfig": "/k", "count": 5}}'))

    assert config.mock is not None
    assert (config.mock.name_prefix, config.mock.count) == ("virtual-", 5)
    assert (config.crash_loop_back_off.limit_seconds, config.allow_remote) == (300.0, False)


PROCESS = "provider: process\nstateDir: s\nnodes: [{name: a, kubeconfig: k}]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nodes.yaml: "),
        ("[", "not valid YAML"),
        ("a: 1\na: 2", "line 2 is not valid YAML: key 'a' is given twice"),
        ("? [a]\n: b", "not valid YAML"),
        ("&a [*a]", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        ("x: !!python/object:os.system {}", "x: unknown key"),
        ("provider: docker", "provider: Input should be 'process' or 'mock'"),
        (PROCESS + "statedir: x", "statedir: unknown key"),
        ("provider: process", "needs stateDir"),
        ("provider: mock", "needs the section mock"),
        ("provider: mock\nmock: {kubeconfig: a, count: '3'}", r"mock.count: "),
        ("provider: mock\nmock: {kubeconfig: a, count: 0}", r"mock.count: "),
        ("provider: mock\nmock: {kubeconfig: a, count: 1, namePrefix: A_}", r"mock.namePrefix: "),
        (PROCESS + "nodes: []", "given twice"),
        ("provider: process\nstateDir: s\nnodes: [{name: a}]", r"nodes\[0\].kubeconfig: is required"),
        ("provider: process\nstateDir: s\nnodes: [{name: A, kubeconfig: k}]", r"nodes\[0\].name: 'A' is not a name"),
        (
            "provider: process\nstateDir: s\nnodes: [{name: a, kubeconfig: k}, {name: a, kubeconfig: k}]",
            "more than once",
        ),
        (PROCESS + "podCIDR: 192.168.0.0/16", "podCIDR: .*within 10.0.0.0/8"),
        (PROCESS + "podCIDR: 10.1.2.3/16", "podCIDR: .*not an IPv4 network"),
        (PROCESS + "images: [{image: ''}]", r"images\[0\].image: "),
        (PROCESS + "images: [{image: x, entrypoint: sh}]", r"images\[0\].entrypoint: "),
        (PROCESS + "crashLoopBackOff: {initialSeconds: .nan}", "line 4 is not valid YAML: .nan is no number"),
        (PROCESS + "crashLoopBackOff: {initialSeconds: 10, limitSeconds: 5}", "limitSeconds is less than"),
        (PROCESS + "logs: {maxBytes: 10}", "logs.maxBytes: "),
        (PROCESS + "kubelet: {address: host, certFile: a, keyFile: a, clientCAFile: a}", "kubelet.address: 'host'"),
        (PROCESS + "allowRemote: 'yes'", "allowRemote: "),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str | bytes, words: str) -> None:
    """Every mistake is told with the file and the field."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_nodes_config(written(tmp_path, text))

    assert str(tmp_path / "nodes.yaml") in caught.value.message


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and an absurdly large file are errors that name it."""
    large = written(tmp_path, b"#" * 9_000_000)

    for path, words in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), (large, "is larger")):
        with pytest.raises(ConfigurationError, match=words):
            load_nodes_config(path)
