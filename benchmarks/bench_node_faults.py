"""What autox's virtual nodes make of faults in the middle of a burst, and how long they take.

    python -m benchmarks.bench_node_faults    # 500 nodes, 5,000 pods for each of three faults: four minutes

On an etcd and a kube-apiserver of its own, with an identity of the agent's own under API priority and fairness. Times
are wall times and depend on how fast the control plane is; the burst itself takes the most of them. What was written
is checked in the API server's audit log, which lacks what was under way when that server was killed; that all pods ran
is what the API itself said after each fault. On an interruption everything is ended.
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.nodes.audit import Findings
from benchmarks.nodes.faulting import Recovery, Size, play_faults
from benchmarks.nodes.processes import unwind_when_ended


def markdown(size: Size, recoveries: Sequence[Recovery], findings: Findings) -> str:
    """The table of docs/benchmarks.md."""
    heads = (
        "fault",
        "pods that ran",
        "lasted, s",
        "then until all pods ran, s",
        "all leases renewed, s",
        "pods listed",
    )
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---|" * (len(heads) - 1)]
    lines += [
        f"| {each.fault} | {each.ran:,} | {each.away_seconds:.1f} | {each.pods_seconds:.1f} "
        f"| {each.leases_seconds:.1f} | {each.listings} |"
        for each in recoveries
    ]
    verdict = "as it should be" if findings.harmed_nothing else "NOT CORRECT"
    return "\n".join(
        [
            f"{size.nodes:,} nodes, {size.pods:,} pods a burst",
            "",
            *lines,
            "",
            f"Audit log: {verdict}: {findings}.",
        ]
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    unwind_when_ended()
    size = Size()
    try:
        recoveries, findings = play_faults(size, say=lambda text: print(text, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(markdown(size, recoveries, findings))
    raise SystemExit(int(not findings.harmed_nothing))


if __name__ == "__main__":
    main()
