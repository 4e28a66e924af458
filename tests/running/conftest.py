"""Experiments in a real cluster, installed as their chart installs them."""

import pytest

from autox.kube.client import KubeClient
from tests.kube.apiserver import ApiServer
from tests.running.release import Release, install

VALUES = {
    "runner": "job",
    "tasks": ["http", "assess"],
    "http": {"url": "http://127.0.0.1:9/", "numRequests": 5},
    "assess": {"SLOs": {"upper": {"http/latency-mean": 50}}},
}


@pytest.fixture
async def release(kube: KubeClient, api_server: ApiServer, namespace: str) -> Release:
    """An experiment of an HTTP load test, whose run has not begun."""
    return await install(kube, api_server, namespace, VALUES)
