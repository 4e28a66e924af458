"""Plays the main job of this release on a control plane of its own: a Job, a Deployment, a rolling update.

Everything is done with the commands that a user would type, and each is shown. Nothing is left behind, whether the
story ends well, fails or is interrupted; ``--keep`` leaves the cluster up and says how to look around.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
CLUSTER = "demo"
AUTOX = [sys.executable, "-m", "autox"]


class StepFailedError(Exception):
    """A command of the story did not succeed."""


def say(text: str) -> None:
    """Tell what happens next."""
    print(f"\n==> {text}", flush=True)


def do(*argv: str, environ: dict[str, str] | None = None) -> None:
    """Show a command and run it, its output going where ours goes."""
    shown = ["autox", *argv[len(AUTOX) :]] if list(argv[: len(AUTOX)]) == AUTOX else list(argv)
    print(f"  $ {' '.join(shown)}".replace(f"{HERE}{os.sep}", "examples/demo/"), flush=True)
    if subprocess.run(argv, env=environ, check=False).returncode != 0:
        raise StepFailedError(" ".join(shown))


def ask(*argv: str) -> str:
    """The output of a command that is not part of the story."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def environment() -> dict[str, str]:
    """What ``autox cluster env`` tells a shell, for the commands that follow."""
    script = f'eval "$({shlex.join(AUTOX)} cluster env --name {CLUSTER})"; echo "$KUBECONFIG"; echo "$PATH"'
    kubeconfig, path = ask("/bin/sh", "-c", script).splitlines()
    return {**os.environ, "KUBECONFIG": kubeconfig, "PATH": path}


def story() -> None:
    """The steps, one after another."""
    say("A real Kubernetes control plane, as local processes")
    do(*AUTOX, "cluster", "up", "--name", CLUSTER)
    environ = environment()

    def kubectl(*argv: str) -> None:
        do("kubectl", *argv, environ=environ)

    say("A Job: the controller manager makes its pod, the scheduler binds it, the process node runs it")
    kubectl("apply", "-f", str(HERE / "job.yaml"))
    kubectl("wait", "job/pi", "--for=condition=Complete", "--timeout=60s")
    kubectl("logs", "job/pi")

    say("A Deployment of version 1 behind a Service, its program in a ConfigMap")
    kubectl("create", "configmap", "hello", f"--from-file={HERE / 'hello.py'}", f"--from-file={HERE / 'visit.py'}")
    kubectl("apply", "-f", str(HERE / "hello.yaml"))
    kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
    kubectl("get", "pods")

    say("A visitor asks the Service for 12 s; meanwhile version 2 is rolled out")
    kubectl("apply", "-f", str(HERE / "visitor.yaml"))
    kubectl("wait", "pod", "-l", "batch.kubernetes.io/job-name=visitor", "--for=condition=Ready", "--timeout=60s")
    kubectl("set", "env", "deployment/hello", "VERSION=2")
    kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
    kubectl("wait", "job/visitor", "--for=condition=Complete", "--timeout=60s")
    kubectl("logs", "job/visitor")


def main() -> None:
    """Play the story, then clean up."""
    parser = argparse.ArgumentParser(description="Play the main job of autox on a cluster of its own.")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up and say how to look around")
    keep = parser.parse_args().keep
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
        if keep and code == 0:
            say(f'Kept. Look around: eval "$(autox cluster env --name {CLUSTER})"; kubectl get pods')
            print(f"  and when done: autox cluster down --name {CLUSTER}")
        else:
            say("Taking it down")
            subprocess.run([*AUTOX, "cluster", "down", "--name", CLUSTER], check=False)
    if code == 0:
        seconds = time.monotonic() - began
        print(f"\nPass: a Job, a Deployment and a rolling update without a lost request, in {seconds:.0f} s")
    sys.exit(code)


if __name__ == "__main__":
    main()
