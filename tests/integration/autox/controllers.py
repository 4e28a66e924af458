"""The real controller as a local process, so that a test can stop it, kill it and start another one."""

import os
import signal
from pathlib import Path

from tests.clusters import LocalCluster
from tests.forking import AUTOX, Forked, fork

NAMESPACE = "autox"
STOP_SECONDS = 60.0
AUTOX_CONTROLLER = (*AUTOX, "controller", "--namespace", NAMESPACE, "--listen", "127.0.0.1:0")


class ControllerProcess:
    """``autox controller`` on a cluster, by the credentials of a kubeconfig; at most one process at a time."""

    def __init__(self, cluster: LocalCluster, log: Path, *, kubeconfig: Path | None = None) -> None:
        # NB: one that is killed leaves its temporary files. In a container they go with it, and here with the test.
        self._environ = cluster.with_programs() | {"TMPDIR": str(log.parent)}
        if kubeconfig is not None:
            self._environ["KUBECONFIG"] = str(kubeconfig)
        self._log = log
        self._process: Forked | None = None

    def start(self) -> None:
        """Start one."""
        assert self._process is None
        with self._log.open("ab") as log:
            # NB: a session of its own, as in a container: what kills it does not kill the helm that it runs.
            self._process = fork(AUTOX_CONTROLLER, env=self._environ, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        """End it as a node does, if it runs; one that does not end well fails the test."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(STOP_SECONDS)
            finally:
                process.kill()
            assert code == 0, self.log()

    def kill(self) -> None:
        """SIGKILL, which nothing can prepare for."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def log(self) -> str:
        """What all of them have said."""
        return self._log.read_text() if self._log.exists() else ""
