"""pyhelm3's command, run our way, with the one verb that it lacks.

What pyhelm3 gives is kept: its verbs, what they make of options, its client over them. How a command is run is
replaced: pyhelm3 goes through a shell (which a signal ends in helm's place), has no limit in time or output, logs the
whole command line, and shows stderr as it is.

``helm install`` is added because pyhelm3 has ``upgrade --install`` alone: a release is one run of one experiment, and
an upgrade in place would change a run that is going on.
"""

import json
import logging
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyhelm3
import semver

from autox.adapters.charts import LocatedChart
from autox.adapters.helm_errors import NOT_FOUND, error_from
from autox.adapters.processes import Program, run
from autox.model.errors import ConfigurationError

log = logging.getLogger(__name__)

OUTPUT_BYTES = 256 * 1024
VERSION_SECONDS = 30.0
OLDEST = semver.Version(3, 13)  # the first with --labels
SERVER_SIDE = semver.Version(4)  # applies on the server, which validates better than helm does


class HelmCommand(pyhelm3.Command):  # type: ignore[misc]  # pyhelm3 says nothing about its types
    """Runs helm: no shell, in a process group, within a time, with a bounded and private output."""

    def __init__(
        self,
        executable: str,
        *,
        environ: Mapping[str, str],
        directory: Path,
        seconds: float,
        inherited: Sequence[int] = (),
    ) -> None:
        """Keep how to run it.

        Args:
            executable: path of the program.
            environ: its whole environment, which also says which API server.
            directory: where it runs; empty, for helm takes names of files there for charts.
            seconds: the limit of each run.
            inherited: open files that each run keeps open.
        """
        # Hooks of charts get the same limit, less what it takes helm to say that they were too slow.
        super().__init__(executable=executable, default_timeout=f"{max(1, int(seconds * 0.8))}s")
        self._environ = environ
        self._directory = directory
        self._seconds = seconds
        self._inherited = inherited
        self._version = OLDEST

    async def install(
        self, name: str, chart: LocatedChart, values: Mapping[str, Any], *, namespace: str, labels: Mapping[str, str]
    ) -> None:
        """``helm install``: returns when the API server has taken every object, and waits for none of them.

        Args:
            name: of the release.
            chart: as ``charts.locate`` found it.
            values: with what; helm reads them from its standard input, and no error shows any of them.
            namespace: where.
            labels: of the Secret in which helm keeps the release.

        Raises:
            AutoxError: as ``helm_errors`` has it; something of the release may be left then.
        """
        command = ["install", name, chart.reference, "--namespace", namespace, *chart.options]
        command += ["--labels", ",".join(f"{key}={value}" for key, value in sorted(labels.items()))]
        # NB: never --wait: it would wait for the experiment to end, with the release pending all the while.
        command += ["--timeout", str(self._default_timeout), "--values", "-"]
        if self._version >= SERVER_SIDE:
            # The server refuses unknown fields itself, and not to fetch its schema saves half of the time.
            command.append("--disable-openapi-validation")
        try:
            text = json.dumps(values, default=str, allow_nan=False)
        except (ValueError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"the values for {namespace}/{name} are not what JSON can say") from error
        await self._run(command, text.encode(), values)

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002  - pyhelm3's name
        """Run one of pyhelm3's commands; what pyhelm3 calls for every verb.

        Raises:
            pyhelm3.errors.ReleaseNotFoundError: there is no such release.
            AutoxError: anything else that went wrong.
        """
        return await self._run([str(part) for part in command], input or b"", {})

    def client_version(self) -> semver.Version:
        """The version of helm; blocks, as pyhelm3 wants it.

        Raises:
            ConfigurationError: it does not say, or is too old.
        """
        argv = [self._executable, "version", "--template", "{{ .Version }}"]
        try:
            said = subprocess.run(
                argv, env=self._environ, cwd=self._directory, capture_output=True, timeout=VERSION_SECONDS, check=True
            )
            text = said.stdout.decode(errors="replace").strip().removeprefix("v")
            # NB: a helm of `go install` says v4.3.
            self._version = semver.Version.parse(text, optional_minor_and_patch=True)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise ConfigurationError(f"{self._executable} does not say which version of helm it is") from error
        if self._version < OLDEST:
            raise ConfigurationError(
                f"{self._executable} is helm {self._version}, which is too old", hint=f"Version {OLDEST} is needed."
            )
        return self._version

    async def _run(self, command: list[str], stdin: bytes, values: Mapping[str, Any]) -> bytes:
        what = f"helm {command[0]} {command[1]}"
        began = time.monotonic()
        program = Program(
            argv=[self._executable, *command],
            environ=self._environ,
            directory=self._directory,
            seconds=self._seconds,
            output_bytes=OUTPUT_BYTES,
            inherited=self._inherited,
        )
        ended = await run(program, stdin=stdin)
        log.debug("%s ended with code %d after %.2f s", what, ended.code, time.monotonic() - began)
        if ended.code == 0:
            return ended.out
        complaint = ended.err.decode(errors="replace")
        if NOT_FOUND in complaint:
            raise pyhelm3.errors.ReleaseNotFoundError(ended.code, b"", complaint.encode())
        raise error_from(complaint, code=ended.code, what=what, values=values)
