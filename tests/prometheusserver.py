"""A real Prometheus server for tests: it scrapes what it is told to, and answers PromQL.

``make e2e`` installs Debian's; any ``prometheus`` on the PATH will do. Rejected: a build of the Go module, which takes
six minutes of CPU time even without its web pages and its service discoveries, where the package takes ten seconds.
"""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.clusters import wait_for
from tests.kube.apiserver import free_port

Answer = dict[frozenset[tuple[str, str]], float]
"""Values by the labels of their series."""


class Prometheus:
    """A server with its data in a directory, for as long as the context lasts."""

    def __init__(self, directory: Path, jobs: Sequence[dict[str, Any]]) -> None:
        """Nothing is started yet.

        Args:
            directory: which it has for itself.
            jobs: what it scrapes, as ``scrape_configs`` have it.
        """
        self._directory = directory
        self._url = f"http://127.0.0.1:{free_port()}"
        self._config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [*jobs]}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        config, log = self._directory / "prometheus.yml", self._directory / "prometheus.log"
        config.write_text(json.dumps(self._config))
        flags = {
            "config.file": config,
            "storage.tsdb.path": self._directory / "data",
            "web.listen-address": self._url.removeprefix("http://"),
            "log.level": "warn",
        }
        with log.open("wb") as told:
            command = ["prometheus", *(f"--{name}={value}" for name, value in flags.items())]
            self._process = subprocess.Popen(command, stdout=told, stderr=told)
        try:
            wait_for("Prometheus", self._is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def query(self, promql: str, *, at: float | None = None) -> Answer:
        """The answer to an instant query; one with a warning fails the test.

        Args:
            promql: the query, whose answer is a vector.
            at: seconds since 1970; None for now.
        """
        params = {"query": promql} | ({} if at is None else {"time": f"{at:.3f}"})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{urllib.parse.urlencode(params)}") as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        assert not told.get("warnings"), told["warnings"]
        assert told["data"]["resultType"] == "vector", told
        return {frozenset(each["metric"].items()): float(each["value"][1]) for each in told["data"]["result"]}

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "prometheus.log").read_text()
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=1):
                return True
        except OSError:
            return False
