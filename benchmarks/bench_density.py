"""autox's load test of a control plane beside kube-burner's, on autox's virtual nodes and on KWOK's.

    python -m benchmarks.bench_density             # 100 nodes, 2,000 pods in 200 Deployments, two rounds
    python -m benchmarks.bench_density --quick     # 20 nodes, 200 pods in 20 Deployments, one round
    python -m benchmarks.bench_density --kube-burner PATH    # in place of the one on PATH
    python -m benchmarks.bench_density --rig autox --rig 'autox on autox'    # without KWOK and kube-burner

Each round has a control plane of its own, as ``autox cluster up`` brings it up, without nodes; one after another, each
driver puts the same Deployments on it at the same rate, waits until all pods are Ready, judges one limit and takes
everything away. ``autox`` is ``autox run`` as it is, which brings its nodes along, so that its CPU is that of both; on
the other rigs another process serves the nodes: autox's agent, KWOK as it comes, and KWOK with what kube-burner looks
for of a kubelet (the Event ``Started``, without which it documents nothing). How many pods ran, and how fast, is seen
by a watch of this program's.

kube-burner is neither built nor downloaded here: without it autox is measured alone, and that is said. KWOK v0.8.0 is
compiled from its pinned Go module the first time. On an interruption everything is ended.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

from benchmarks.density.drivers import Load
from benchmarks.density.kubeburner import PROGRAM
from benchmarks.density.rigs import Rig, rigs
from benchmarks.density.running import BrokenRunError, Place, Run, play
from benchmarks.density.table import document, markdown
from benchmarks.kwok.obtaining import obtain
from benchmarks.local_cluster import local_cluster
from benchmarks.nodes.processes import unwind_when_ended
from benchmarks.progress import saying

FULL, QUICK = Load(nodes=100, deployments=200, rate=5), Load(nodes=20, deployments=20, rate=5)
ROUNDS = 2
ONCE = ("autox", "autox on kwok", "kube-burner on kwok")
"""These take part at the end of the last round only: the bar is not about them."""

MISSING = f"{PROGRAM}: not measured, since it is not on PATH; docs/benchmarks.md says where to have it from"


def measure(compared: Sequence[Rig], load: Load, *, rounds: int) -> Iterator[Run | None]:
    """All runs as they end; None for one that broke, of which is told."""
    began = time.monotonic()
    for number in range(rounds):
        with local_cluster("--nodes", "0") as status:
            server = next(each["pid"] for each in status["components"] if each["name"] == "apiServer")
            for rig in playing(compared, number, rounds=rounds):
                say = saying(f"{number + 1}/{rounds} {rig.name}", began)
                with tempfile.TemporaryDirectory(prefix="autox-bench-") as directory:
                    place = Place(kubeconfig=Path(status["kubeconfig"]), server=server, directory=Path(directory))
                    try:
                        yield uvloop.run(play(rig, load, place, say=say))
                    except BrokenRunError as error:
                        say(f"BROKEN: {error}")
                        yield None


def playing(compared: Sequence[Rig], number: int, *, rounds: int) -> list[Rig]:
    """Who plays in a round, in order: each round begins with another rig.

    Args:
        compared: all of them.
        number: of the round, from 0.
        rounds: how many there are.
    """
    often = [rig for rig in compared if rig.name not in ONCE]
    first = number % len(often) if often else 0
    return [*often[first:], *often[:first], *(rig for rig in compared if rig.name in ONCE and number == rounds - 1)]


def chosen(names: Sequence[str], kube_burner: Path | None) -> list[Rig]:
    """The rigs of these names, or all; KWOK is obtained if one needs it.

    Raises:
        SystemExit: there is none of a name.
    """
    kwok = obtain() if not names or any("kwok" in name for name in names) else None
    found = rigs(kube_burner, kwok)
    if unknown := set(names) - {rig.name for rig in found}:
        raise SystemExit(f"--rig: no {', '.join(sorted(unknown))} in {', '.join(rig.name for rig in found)}")
    return [rig for rig in found if not names or rig.name in names]


def program(given: str | None) -> Path | None:
    """kube-burner: the one that was named, or the one on PATH; None if there is none.

    Raises:
        SystemExit: what was named is no program.
    """
    found = shutil.which(given or PROGRAM)
    if given and found is None:
        raise SystemExit(f"--kube-burner: {given} is no program")
    return None if found is None else Path(found).absolute()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--rounds", type=int, help="how often each driver plays")
    parser.add_argument("--kube-burner", metavar="PATH", help="the program  [default: the one on PATH]")
    parser.add_argument("--rig", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    rounds = options.rounds if options.rounds is not None else 1 if options.quick else ROUNDS
    if rounds < 1:
        parser.error("--rounds: there is nothing to run")
    load, kube_burner = QUICK if options.quick else FULL, program(options.kube_burner)
    unwind_when_ended()
    compared = chosen(options.rig or (), kube_burner)
    runs: list[Run | None] = []
    code = 0
    try:
        runs.extend(measure(compared, load, rounds=rounds))
    except KeyboardInterrupt:
        code = 130
    whole = [run for run in runs if run is not None]
    if options.output == "json":
        print(json.dumps(document(load, whole), indent=1))
    else:
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; medians, and least to most of several runs")
        print(f"\n{markdown(load, whole)}")
    if kube_burner is None:
        print(MISSING, file=sys.stderr if options.output == "json" else sys.stdout)
    raise SystemExit(code or int(len(whole) < len(runs)))


if __name__ == "__main__":
    main()
