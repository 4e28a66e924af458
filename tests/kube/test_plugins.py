"""Credential plugins of kubeconfigs, run through the official client, and what they may do wrong."""

import base64
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from autox.kube.auth import from_kubeconfig
from autox.model.errors import ConfigurationError
from tests.kube.door import Door, authorization, knock, write


def plugin(tmp_path: Path, body: str, **entry: Any) -> dict[str, Any]:
    """A user whose credentials a Python script prints."""
    script = tmp_path / "plugin.py"
    script.write_text(f"import json, os, sys, pathlib\n{body}\n")
    recipe = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-S", script.name]}
    return {"exec": recipe | entry}


def printing(**status: Any) -> str:
    """A plugin's body that prints these credentials."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(answer)!r})"


async def test_a_plugin_gives_a_token_and_is_asked_once(door: Door, tmp_path: Path) -> None:
    """An exec plugin runs in the kubeconfig's directory with its environment, and its token is kept."""
    body = "open('runs', 'a').write(os.environ['FLAVOUR'])\n" + printing(token="plugged")
    user = plugin(tmp_path, body, env=[{"name": "FLAVOUR", "value": "x"}])

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})), 3
    )

    assert authorization(door) == ["Bearer plugged"] * 3
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_plugin_is_asked_again_when_its_token_has_run_out(door: Door, tmp_path: Path) -> None:
    """An expirationTimestamp in the past, or too near, means to ask again each time."""
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    user = plugin(tmp_path, "open('runs', 'a').write('x')\n" + printing(token="t", expirationTimestamp=soon))

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})), 3
    )

    assert (tmp_path / "runs").read_text() == "xxx"


async def test_a_plugin_gives_a_certificate(door: Door, tmp_path: Path) -> None:
    """A plugin may give a client certificate instead of a token."""
    certificate, key = (file.read_text() for file in door.authority.issue("somebody"))
    user = plugin(tmp_path, printing(clientCertificateData=certificate, clientKeyData=key))

    await knock(
        from_kubeconfig(write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"}))
    )

    assert authorization(door) == [None]
    assert "somebody" in str(door.certificates[0])


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("sys.exit('please log in')", "failed: exec: process returned 1. please log in"),
        ("print('canary')", "failed"),
        (printing(), "neither a token nor"),
        (printing(token=["canary"]), "neither a token nor"),
        (printing(token="canary\ncanary"), "is not a bearer token"),
        (printing(token="canary", expirationTimestamp="tomorrow"), "is no time"),
        (printing(clientCertificateData="canary"), "neither a token nor"),
        (printing(clientCertificateData="canary", clientKeyData="canary"), "not a pair"),
        ("print('[]')", "makes no sense|failed"),
        ("print('{}')", "failed"),
    ],
)
async def test_a_plugin_that_fails_is_named(door: Door, tmp_path: Path, body: str, complaint: str) -> None:
    """The plugin's failure is the error, with its own words from stderr and nothing from stdout."""
    user = plugin(tmp_path, body)
    path = write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})

    with pytest.raises(ConfigurationError, match=complaint) as caught:
        await knock(from_kubeconfig(path))

    assert 'context "a"' in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "entry", [{"command": "./missing"}, {"command": ""}, {"args": 7}, {"env": ["x"]}, {"command": None}]
)
async def test_a_plugin_entry_that_makes_no_sense(door: Door, tmp_path: Path, entry: dict[str, Any]) -> None:
    """A plugin that is not there, or an entry that nobody could run, is a configuration error with its install hint."""
    user = plugin(tmp_path, "", **entry, installHint="Install it from there.")
    path = write(tmp_path / "a", server=door.url, user=user, **{"certificate-authority": "ca.crt"})

    with pytest.raises(ConfigurationError) as caught:
        await knock(from_kubeconfig(path))

    assert caught.value.hint == "Install it from there."


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"command": "kubelogin", "args": ["get-token"]},
        {"provideClusterInfo": True, "interactiveMode": "Never"},
        {"env": [{"name": "AWS_PROFILE", "value": "b"}], "installHint": "Install it."},
    ],
    ids=["a script beside it", "a program of the PATH", "one that is told the cluster", "one with variables"],
)
def test_a_kubeconfig_of_a_secret_runs_no_program(tmp_path: Path, entry: dict[str, Any]) -> None:
    """Whoever could write the Secret could run anything where it was read; the words say how to allow it."""
    user = plugin(tmp_path, "open('runs', 'a').write('x')\n" + printing(token="t"), **entry)
    path = write(tmp_path / "a", server="http://127.0.0.1:1", user=user)

    with pytest.raises(ConfigurationError, match=r'context "a" of .* would run a program') as refused:
        from_kubeconfig(path, allow_exec=False)
    assert "allowExec: true" in refused.value.hint
    assert not (tmp_path / "runs").exists()
    from_kubeconfig(write(tmp_path / "b", user={"token": "t"}), allow_exec=False)


SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.mark.parametrize(
    ("user", "cluster", "named"),
    [
        ({"tokenFile": f"{SERVICE_ACCOUNT}/token"}, {}, f"tokenFile {SERVICE_ACCOUNT}/token"),
        ({"tokenFile": "token"}, {}, "tokenFile token"),
        ({"token": "own", "tokenFile": "../../token"}, {}, "tokenFile ../../token"),
        ({"client-certificate": "/etc/a.crt", "client-key": "/etc/a.key"}, {}, "client-key /etc/a.key"),
        ({"client-certificate-data": "YQ==", "client-key": "/dev/stdin"}, {}, "client-key /dev/stdin"),
        ({"client-certificate": "/proc/self/environ"}, {}, "client-certificate /proc/self/environ"),
        ({"token": "own"}, {"certificate-authority": "/dev/zero"}, "certificate-authority /dev/zero"),
    ],
)
async def test_a_kubeconfig_of_a_secret_reads_no_files(
    door: Door, tmp_path: Path, user: dict[str, str], cluster: dict[str, str], named: str
) -> None:
    """The runner's own token went to whichever server the Secret named; now nothing is read or sent, with the words."""
    (tmp_path / "token").write_text("ours")
    path = write(tmp_path / "a", server=door.url, user=user, **{"insecure-skip-tls-verify": not cluster}, **cluster)

    with pytest.raises(ConfigurationError, match=r'context "a" of .* would read files') as refused:
        from_kubeconfig(path, allow_files=False)
    assert named in refused.value.message
    assert "--flatten" in refused.value.hint
    assert not door.seen


async def test_a_kubeconfig_of_a_secret_with_all_in_it(door: Door, tmp_path: Path) -> None:
    """Only what the chosen context uses counts: files that other contexts name are nobody's business."""
    authority = base64.b64encode(door.authority.file.read_bytes()).decode()
    path = write(tmp_path / "a", server=door.url, user={"token": "t"}, **{"certificate-authority-data": authority})
    config = yaml.safe_load(path.read_text())
    config["users"].append({"name": "b", "user": {"tokenFile": "/etc/token", "exec": {"command": "true"}}})
    path.write_text(yaml.safe_dump(config))

    await knock(from_kubeconfig(path, allow_exec=False, allow_files=False))

    assert authorization(door) == ["Bearer t"]
