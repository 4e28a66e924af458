"""How much task ``density`` puts on a control plane at the most: no more than was ever measured."""

MOST_NODES = 5_000
MOST_PODS = 50_000
MOST_LATENCY_PODS = 5_000
