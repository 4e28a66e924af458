"""Where an agent is told to listen, on the command line and in its file."""

import json
from pathlib import Path

import pytest

from autox.api.nodes import load_nodes_config, nodes_config_from_flags
from autox.model.addresses import Address, parse_address
from autox.model.errors import ConfigurationError

WRONG = [
    "",
    ":",
    "8082",
    ":8082",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:-1",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999999999999",
    "127.0.0.1:\uff18\uff10",
    "::1:8082",
    "[::1]",
    "[]:8082",
    "[localhost]:8082",
    "http://localhost:8082",
    "user@host:1",
    "a b:1",
    "host\n:1",
    "host:1\n",
    "hôst:1",
    "nan",
    "x" * 100_000 + ":1",
]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8082", "127.0.0.1", 8082),
        ("127.0.0.2:0", "127.0.0.2", 0),
        ("localhost:65535", "localhost", 65535),
        ("agents-0.agents.load:8082", "agents-0.agents.load", 8082),
        ("[::1]:8082", "::1", 8082),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
    ],
)
def test_an_address_is_read_and_written(text: str, host: str, port: int) -> None:
    """Names, IPv4 and, in brackets, IPv6."""
    assert parse_address(text) == Address(host=host, port=port)
    assert str(parse_address(text)) == text


@pytest.mark.parametrize("text", WRONG, ids=lambda text: repr(text[:24]))
def test_what_is_no_address_is_refused(text: str) -> None:
    """With a short message and an example, however long or odd the text is."""
    with pytest.raises(ConfigurationError, match="is no ADDRESS:PORT") as refused:
        parse_address(text)

    assert len(refused.value.message) < 120
    assert refused.value.hint == "it looks like 127.0.0.1:8082"


@pytest.mark.parametrize("listen", [8082, True, ["127.0.0.1:1"], {}, 1.5, "nowhere"])
def test_a_file_that_gives_no_address_is_refused(listen: object, tmp_path: Path) -> None:
    """By the name of the field."""
    path = tmp_path / "nodes.json"
    path.write_text(json.dumps({"provider": "mock", "mock": {"count": 1}, "listen": listen}))

    with pytest.raises(ConfigurationError, match="listen: "):
        load_nodes_config(path)


def test_nothing_listens_by_default(tmp_path: Path) -> None:
    """Neither with flags nor with a file; both can say where."""
    path = tmp_path / "nodes.json"
    content = {"provider": "mock", "mock": {"count": 1}}
    path.write_text(json.dumps(content))
    silent = load_nodes_config(path)
    path.write_text(json.dumps({**content, "listen": "[::1]:8082"}))

    assert silent.listen is None
    assert nodes_config_from_flags("mock", {"count": 1}).listen is None
    assert load_nodes_config(path).listen == Address(host="::1", port=8082)
    flags = {"count": 1, "listen": "127.0.0.1:8082"}
    assert nodes_config_from_flags("mock", flags).listen == Address(host="127.0.0.1", port=8082)
