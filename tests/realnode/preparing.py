"""What ``make e2e`` does first: install Debian's packages for a containerd node and the image, a browser, Prometheus.

Exits 0 when everything is there, 3 with a sentence that says what is wrong and what to do. ``--can`` only tells
whether this machine is one that it could be done on: CI asks that before it begins.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from autox.cluster.containerd.requirements import missing_packages

PROGRAMS = {"buildah": "buildah", "chromium": "chromium", "prometheus": "prometheus"}
"""What building the image, looking at reports and doing sums again need besides: each program and its package."""


def obstacle() -> str:
    """Why no containerd node can be had here, empty if one can."""
    if os.geteuid() != 0:
        return "not root"
    if not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        return "not Debian"
    return ""


def missing() -> list[str]:
    """The packages to install."""
    return [*missing_packages(), *(package for program, package in PROGRAMS.items() if not shutil.which(program))]


def main() -> int:
    """Prepare, and say what is done."""
    why_not = obstacle()
    if "--can" in sys.argv:
        print(why_not)
        return 1 if why_not else 0
    if why_not:
        print(f"error: the tests on a real node need root on Debian, and this is {why_not}", file=sys.stderr)
        return 3
    packages = missing()
    if not packages:
        return 0
    print(f"==> installing {', '.join(packages)}", flush=True)
    # NB: no service of theirs may start: the node has a containerd of its own.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "--quiet=2"],
        ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"error: {' '.join(command)} failed:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return 3
    left = missing()
    if left:
        print(f"error: {', '.join(left)} did not bring the programs that are needed", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
