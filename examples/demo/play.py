"""Plays the main job of autox on two control planes of its own: two versions of an app, two experiments for each.

Everything is done with the commands that a user would type, and each is shown. Nothing is left behind, whether the
story ends well, fails or is interrupted; ``--keep`` leaves both clusters up, unless it is interrupted, and says how to
look around.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REPORT = ROOT / "build" / "demo" / "report.html"
CLUSTERS = ("demo-a", "demo-b")
AUTOX = [sys.executable, "-m", "autox"]
BY_HAND = os.path.relpath(Path(sys.executable).with_name("autox"))
COLUMNS = 80
PATIENCE = "180s"  # that one pair of experiments may take; they take about 20
STEPS = (
    "jsonpath={.spec.spec} {.spec.version}"
    ' {.status.phase} {.status.verdict} {.status.tasks.done} {.status.tasks.total}{"\\n"}'
)
"""What is shown of each experiment while it runs, on one line."""


class StepFailedError(Exception):
    """A step of the story did not come out as it should."""


def say(text: str) -> None:
    """Tell what happens next."""
    print(f"\n==> {text}", flush=True)


def show(*argv: str) -> None:
    """Show a command as a user in the project's folder would type it, on lines that fit a terminal."""
    shown = ["autox", *argv[len(AUTOX) :]] if list(argv[: len(AUTOX)]) == AUTOX else list(argv)
    lines = ["  $"]
    for word in shown:
        quoted = shlex.quote(word.replace(f"{ROOT}{os.sep}", ""))
        if len(lines[-1]) + len(quoted) + len("  \\") > COLUMNS:
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {quoted}"
    print("\n".join(lines), flush=True)


class Kubernetes:
    """The commands of a user who works on cluster A."""

    def __init__(self, cluster: str) -> None:
        """Take what ``autox cluster env`` tells a shell."""
        script = f'eval "$({shlex.join(AUTOX)} cluster env --name {cluster})"; env -0'
        told = subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True, text=True).stdout
        self.environ: Mapping[str, str] = dict(each.split("=", 1) for each in told.split("\0") if each)

    def do(self, *argv: str, expect: int = 0, lines: int | None = None) -> None:
        """Show a command and run it; it must end with the exit code that the story expects.

        Args:
            argv: the command.
            expect: its exit code.
            lines: how many of the last lines of its output are shown; None for all of it, at once. If it fails all
                of it is.
        """
        show(*argv)
        is_brief = lines is not None
        ended = subprocess.run(
            argv, env=self.environ, check=False, capture_output=is_brief, text=True, stdin=subprocess.DEVNULL
        )
        if ended.returncode != expect:
            if is_brief:
                print(ended.stdout + ended.stderr, file=sys.stderr)
            raise StepFailedError(f"{shlex.join(argv)}: exit code {ended.returncode}, expected {expect}")
        if lines:
            print("\n".join(ended.stdout.splitlines()[-lines:]), flush=True)

    def autox(self, *argv: str, expect: int = 0) -> None:
        """Show and run ``autox ARGV…``."""
        self.do(*AUTOX, *argv, expect=expect)

    def kubectl(self, *argv: str) -> None:
        """Show and run ``kubectl ARGV…``."""
        self.do("kubectl", *argv)

    def rollout(self, deployment: str) -> None:
        """Show and run ``kubectl rollout status``, without what it says while it waits."""
        self.do("kubectl", "rollout", "status", f"deployment/{deployment}", "--timeout=60s", lines=1)

    def experiments(self) -> list[dict[str, Any]]:
        """The records that are there."""
        argv = ["kubectl", "get", "experiments", "-o", "json"]
        told = subprocess.run(argv, env=self.environ, check=False, capture_output=True, text=True).stdout
        items: list[dict[str, Any]] = json.loads(told)["items"] if told else []
        return items

    def follow(self, version: str) -> None:
        """Print each step of the experiments of a version until both have a verdict."""
        argv = ["kubectl", "get", "experiments", "--watch", "-o", STEPS, f"--request-timeout={PATIENCE}"]
        seen: dict[str, str] = {}
        watch = subprocess.Popen(argv, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with watch:
            try:
                for line in watch.stdout or ():
                    spec, of, *status = line.rstrip("\n").split(" ")
                    step = _progress(*status)
                    if of == version and seen.get(spec) != step:
                        print(f"  {spec}, version {version}: {step}", flush=True)
                        seen[spec] = step
                    if len(seen) == 2 and all(each.startswith("verdict") for each in seen.values()):
                        return
            finally:
                watch.terminate()
        raise StepFailedError(f"the experiments of version {version} had no verdict after {PATIENCE}")

    def expect_verdicts(self, version: str, **verdicts: str) -> None:
        """Hold the records against the story."""
        found = {
            one["spec"]["spec"].replace("-", "_"): one.get("status", {}).get("verdict")
            for one in self.experiments()
            if one["spec"]["version"] == version
        }
        if found != verdicts:
            raise StepFailedError(f"verdicts of version {version} are {found}, expected {verdicts}")


def _progress(phase: str, verdict: str, done: str, total: str) -> str:
    if phase in ("Completed", "Deleted") and verdict:
        return f"verdict {verdict}"
    return f"running, {done or 0} of {total} tasks done" if total else "launched"


def story() -> None:
    """The steps, one after another."""
    say("Two real control planes: A will hold the app and autox, B is put under load")
    for name, more in zip(CLUSTERS, ((), ("--nodes", "0")), strict=True):
        argv = [*AUTOX, "cluster", "up", "--name", name, *more]
        show(*argv)
        # NB: what it says on stdout is how to use the cluster by hand; what it is about is on stderr.
        if subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            raise StepFailedError(f"cluster {name} did not come up")
    a, b = Kubernetes(CLUSTERS[0]), Kubernetes(CLUSTERS[1])

    say("The app: version 1, a Deployment behind a Service")
    a.kubectl("create", "configmap", "shop", f"--from-file={HERE / 'shop.py'}")
    a.kubectl("apply", "-f", str(HERE / "shop.yaml"))
    a.rollout("shop")

    say("autox: which object to watch and what to test is in values.yaml")
    a.kubectl("create", "secret", "generic", "cluster-b", f"--from-file=kubeconfig={b.environ['KUBECONFIG']}")
    a.do("helm", "install", "autox", str(ROOT / "charts" / "autox"), "-f", str(HERE / "values.yaml"), lines=0)
    a.rollout("autox")

    say("Opt in: from now on each version of shop is tested")
    a.kubectl("label", "deployment/shop", "iter8.tools/autox=true")
    a.follow("1")
    a.autox("assert", "-g", "shop", "-c", "completed,nofailure,slos")
    a.expect_verdicts("1", http="Pass", control_plane="Pass")

    say("Version 2 is slow: the experiments of version 1 go, those of version 2 come")
    patch = str(HERE / "version-2.yaml")
    a.kubectl("patch", "deployment/shop", "--patch-file", patch)
    a.follow("2")
    a.autox("assert", "-g", "shop", "-c", "slos", expect=1)
    a.expect_verdicts("2", http="Fail", control_plane="Pass")
    a.autox("why", "deployment/shop")

    say("Opt out: nothing runs any more, the records stay")
    a.kubectl("label", "deployment/shop", "iter8.tools/autox-")
    a.kubectl("wait", "experiments", "--all", "--for=jsonpath={.status.phase}=Deleted", "--timeout=30s")

    say("What is kept")
    failed = next(one for one in a.experiments() if one["spec"]["version"] == "2" and one["spec"]["spec"] == "http")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    a.autox("report", failed["metadata"]["name"], "-o", "html", "--to", str(REPORT))
    a.autox("history")


def refuse_to_overwrite() -> None:
    """Leave alone what somebody looks at, or another demo that runs."""
    told = subprocess.run([*AUTOX, "cluster", "list", "-o", "json"], check=True, capture_output=True, text=True).stdout
    there = [name for name in CLUSTERS if name in {each["name"] for each in json.loads(told)}]
    if there:
        print(f"error: the clusters of a demo are there already: {', '.join(there)}", file=sys.stderr)
        commands = "\n  ".join(
            ["hint: to take them down:", *(f"{BY_HAND} cluster down --name {name}" for name in there)]
        )
        print(commands, file=sys.stderr)
        sys.exit(2)


def take_down() -> None:
    """Take both clusters down, whatever state they are in; a second Ctrl-C does not stop that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in CLUSTERS:
        # NB: a session of its own, which Ctrl-C at the terminal does not reach.
        subprocess.run([*AUTOX, "cluster", "down", "--name", name], check=False, start_new_session=True)


def main() -> None:
    """Play the story, then clean up."""
    parser = argparse.ArgumentParser(description="Play the main job of autox on two clusters of its own.")
    parser.add_argument("--keep", action="store_true", help="leave the clusters up and say how to look around")
    keep = parser.parse_args().keep
    refuse_to_overwrite()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    began = time.monotonic()
    code = 1
    try:
        story()
        code = 0
    except StepFailedError as failed:
        print(f"\nerror: this step failed: {failed}", file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
        print("\ninterrupted", file=sys.stderr)
    finally:
        if keep and code != 130:
            say("Kept. Look around:")
            print(f'  eval "$({BY_HAND} cluster env --name {CLUSTERS[0]})"\n  kubectl get xg,xp')
            print("and when done:", *(f"{BY_HAND} cluster down --name {name}" for name in CLUSTERS), sep="\n  ")
        else:
            say("Taking both clusters down")
            take_down()
    if code == 0:
        seconds = time.monotonic() - began
        print(f"\nReport: {REPORT.relative_to(Path.cwd()) if REPORT.is_relative_to(Path.cwd()) else REPORT}")
        print(f"Version 1 passed; version 2 failed its latency SLO, as it should. {seconds:.0f} s in all.")
    sys.exit(code)


if __name__ == "__main__":
    main()
