"""autox's virtual nodes beside KWOK's, in turns on fresh control planes of the same kind.

    python -m benchmarks.bench_nodes             # all cases, three pairs: an hour
    python -m benchmarks.bench_nodes --quick     # two smaller cases, one pair: five minutes
    python -m benchmarks.bench_nodes --case faithful --case ten-thousand --pairs 1    # without KWOK: ten minutes

For each run etcd and kube-apiserver are started anew (default flags, API priority and fairness on), then the agent
with an identity of its own, then the nodes, an idle time, the pods and their deletion. Pods are bound already when
they are made, by another process with 32 requests in flight; what happens to them is seen by a watch of this
program's. CPU is user and system time from the kernel; requests are counted by the API server itself; the agent's
correctness is read from its audit log in the case ``spread``. Wall times on a small machine depend on how fast the
control plane is; the ratios of CPU do not.

KWOK v0.8.0 is compiled from its pinned Go module the first time. On an interruption everything is ended.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.kwok.obtaining import Kwok, obtain
from benchmarks.nodes.agents import KWOK_PARALLELISM, Agent, Autox, FaithfulAutox, KwokAgent
from benchmarks.nodes.cases import APART, FULL, QUICK, Case
from benchmarks.nodes.processes import unwind_when_ended
from benchmarks.nodes.running import BrokenRunError, Run, run
from benchmarks.nodes.table import document, markdown
from benchmarks.progress import saying

PAIRS = 3


def agents_named(names: Sequence[str]) -> dict[str, Agent]:
    """The agents by name: ``autox``, ``autox-faithful``, ``kwok``, and ``kwok-N`` with N workers for each kind of work.

    Raises:
        SystemExit: a name that is none.
    """
    known = all(re.fullmatch(r"autox(-faithful)?|kwok(-[1-9]\d{0,3})?", name, re.ASCII) for name in names)
    if not known:
        raise SystemExit(f"--agents: {','.join(names)!r} is not made of autox, autox-faithful, kwok and kwok-N")
    ours: dict[str, Agent] = {each.name: each for each in (Autox(), FaithfulAutox())}
    kwok = obtain() if any(name not in ours for name in names) else None
    return {name: kwok_agent(kwok, name) if kwok is not None and name not in ours else ours[name] for name in names}


def kwok_agent(kwok: Kwok, name: str) -> Agent:
    """``kwok``, or ``kwok-N``."""
    workers = name.removeprefix("kwok").removeprefix("-")
    return KwokAgent(kwok, name=name, parallelism=int(workers) if workers else KWOK_PARALLELISM)


def measure(cases: Sequence[Case], *, pairs: int, chosen: Sequence[str]) -> Iterator[Run | None]:
    """All runs as they end, the agents of each pair in turns; None for one that broke, which standard error tells."""
    began = time.monotonic()
    agents = agents_named(chosen or list(dict.fromkeys(name for case in cases for name in case.agents(0))))
    for case in cases:
        for pair in range(pairs):
            for name in chosen or case.agents(pair):
                say = saying(f"{case.name} {pair + 1}/{pairs} {name}", began)
                try:
                    yield run(case, agents[name], pair=pair, say=say)
                except BrokenRunError as error:
                    say(f"BROKEN: {error}")
                    yield None


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this case; may be repeated")
    parser.add_argument("--pairs", type=int, help="how often each agent plays each case")
    parser.add_argument("--agents", default="", help="who plays: autox, autox-faithful, kwok, kwok-N, with commas")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    cases = [case for case in (QUICK if options.quick else FULL) if not options.case or case.name in options.case]
    cases += [case for case in APART if case.name in (options.case or ())]
    pairs = options.pairs if options.pairs is not None else 1 if options.quick else PAIRS
    if not cases or pairs < 1:
        parser.error(f"there is nothing to run; cases are {', '.join(case.name for case in (*FULL, *APART))}")
    unwind_when_ended()
    runs: list[Run | None] = []
    code = 0
    try:
        runs.extend(measure(cases, pairs=pairs, chosen=options.agents.split(",") if options.agents else []))
    except KeyboardInterrupt:
        code = 130
    whole = [run for run in runs if run is not None]
    if options.output == "json":
        print(json.dumps(document(whole), indent=1))
    else:
        machine = (
            f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, etcd without fsync, audit log in spread alone"
        )
        print(f"{machine}; medians, and least to most of several runs")
        print("\n".join(f"\n{markdown(case, whole)}" for case in cases if any(run.case == case.name for run in whole)))
    raise SystemExit(code or int(len(whole) < len(runs)))


if __name__ == "__main__":
    main()
