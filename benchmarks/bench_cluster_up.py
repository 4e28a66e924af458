"""Time to ready and memory of ``autox cluster up``, cold state and warm binaries.

Each round takes the cluster down, brings it up with the command that users type, and reads the resident memory of
each component. usage: python -m benchmarks.bench_cluster_up [--rounds 5] [--nodes 1]
"""

import argparse
import json
import os
import statistics
import time

from benchmarks.local_cluster import autox, state_directory


def measure(environ: dict[str, str], nodes: int) -> tuple[float, float, dict[str, int]]:
    """Seconds to ready, CPU seconds of the command itself, and MiB of each component."""
    before = os.times()
    began = time.monotonic()
    autox(environ, "up", "--nodes", str(nodes))
    seconds = time.monotonic() - began
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    components = json.loads(autox(environ, "status", "-o", "json"))["components"]
    autox(environ, "down")
    return seconds, cpu, {each["name"]: each["memory"] >> 20 for each in components}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=1)
    options = parser.parse_args()
    with state_directory() as environ:
        rounds = [measure(environ, options.nodes) for _ in range(options.rounds)]
    seconds = [each[0] for each in rounds]
    cpu = statistics.median(each[1] for each in rounds)
    memory = rounds[-1][2]
    print(f"cluster up, {options.nodes} process node(s), {options.rounds} rounds, {os.cpu_count()} cores")
    print("| time to ready, s: min | median | max | CPU of the command, s |")
    print("|---|---|---|---|")
    print(f"| {min(seconds):.1f} | {statistics.median(seconds):.1f} | {max(seconds):.1f} | {cpu:.2f} |")
    print()
    print(f"| MiB at rest: {' | '.join(memory)} | all |")
    print(f"|{'---|' * (len(memory) + 1)}")
    print(f"| {' | '.join(map(str, memory.values()))} | {sum(memory.values())} |")


if __name__ == "__main__":
    main()
