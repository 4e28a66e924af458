"""Asking components how they are, while a cluster is only half made."""

import datetime as dt
from pathlib import Path

import pytest

from autox.cluster.component import Component
from autox.cluster.health import Health
from autox.cluster.home import ClusterHome
from autox.cluster.identities import identities
from autox.cluster.network import Network
from autox.cluster.pki import Pki


@pytest.mark.parametrize("missing", ["ca.crt", "admin.crt", "admin.key"])
async def test_a_certificate_that_is_not_made_yet_is_no_crash(tmp_path: Path, missing: str) -> None:
    """After an ``up`` that was killed while it made certificates, ``status`` says what is not running."""
    home = ClusterHome(root=tmp_path, name="half")
    known = identities(Network(block=70), [])
    Pki(home.pki).ensure(known, now=dt.datetime.now(dt.UTC))
    (home.pki / missing).unlink()
    etcd = Component(name="etcd", argv=("etcd",), environment={}, listeners=("etcd",), health=("https://127.0.0.1:1/",))

    async with Health(home) as health:
        assert await health.troubles({"etcd": etcd}, {}) == {"etcd": "not running"}
