"""What is measured: how many nodes and pods, where the pods go, how long the agent is left alone.

Two of the cases are long by their nature (ten idle minutes, five minutes of churn). The first pair of runs is played
at full length and the later ones are shorter, since what repeats is the burst; so the full set fits in an hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

AGENTS = ("autox", "kwok")
TUNED = "kwok-16"
FAITHFUL = "autox-faithful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """Pods that come and go: so many a second, each deleted after so many seconds; in the first pair and later."""

    rate: float
    alive_seconds: float
    seconds: float
    later_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of run.

    Attributes:
        name: what it is called on the command line.
        nodes: how many.
        pods: how many in the burst; 0 where there is churn instead.
        spread: pod after pod on the next node; else all on one node.
        idle_seconds: how long the registered nodes are left alone, in the first pair.
        later_idle_seconds: the same in later pairs.
        churn: instead of a burst.
        audited: the API server keeps an audit log, which is checked.
        tuned: KWOK with more workers takes part in the first pair, too.
        players: the agents that take part.
        lease_seconds: how long the lease of a node lasts; each agent renews it in a quarter of that.
        server_flags: of the API server, beside those that every run has.
    """

    name: str
    nodes: int
    pods: int = 0
    spread: bool = True
    idle_seconds: float
    later_idle_seconds: float
    churn: Churn | None = None
    audited: bool = False
    tuned: bool = False
    players: tuple[str, ...] = AGENTS
    lease_seconds: int = 40
    server_flags: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        if self.churn is not None:
            return f"{self.nodes:,} nodes, {self.churn.rate:g} pods a second made and deleted"
        idle = f" idle {self.idle_seconds / 60:g} min, then" if self.idle_seconds > 60 else ","
        return f"{self.nodes:,} nodes{idle} {self.pods:,} pods {'spread' if self.spread else 'on one node'}"

    def agents(self, pair: int) -> Sequence[str]:
        """Who takes part in a pair, counted from 0, in turns."""
        return (*self.players, TUNED) if self.tuned and pair == 0 else self.players

    def idle(self, pair: int) -> float:
        """How long the nodes are left alone in a pair, counted from 0."""
        return self.later_idle_seconds if pair else self.idle_seconds

    def churning(self, pair: int) -> int:
        """How many pods come and go in a pair, counted from 0."""
        if self.churn is None:
            return 0
        return int(self.churn.rate * (self.churn.later_seconds if pair else self.churn.seconds))

    def node_of(self, pod: int) -> int:
        """The number of the node that a pod is bound to."""
        return pod % self.nodes if self.spread else 0


FULL = (
    Case(name="spread", nodes=500, pods=5000, idle_seconds=15, later_idle_seconds=15, audited=True, tuned=True),
    Case(name="one-node", nodes=500, pods=5000, spread=False, idle_seconds=5, later_idle_seconds=5),
    Case(name="large", nodes=5000, pods=5000, idle_seconds=600, later_idle_seconds=20),
    Case(
        name="churn",
        nodes=500,
        idle_seconds=10,
        later_idle_seconds=10,
        churn=Churn(rate=20, alive_seconds=5, seconds=300, later_seconds=20),
    ),
)
APART = (
    Case(
        name="faithful",
        nodes=100,
        pods=1000,
        idle_seconds=30,
        later_idle_seconds=30,
        audited=True,
        players=(AGENTS[0], FAITHFUL),
        server_flags=("--enable-admission-plugins=NodeRestriction",),
    ),
    # Twice a kubelet's figure: half as many writes, and two renewals still fit into the 50 seconds after which the
    # controller-manager gives a node up. At 10 s each, ten thousand leases alone would need both cores.
    Case(
        name="ten-thousand",
        nodes=10_000,
        pods=10_000,
        idle_seconds=120,
        later_idle_seconds=120,
        players=AGENTS[:1],
        lease_seconds=80,
    ),
)
"""Cases that are played only when they are named: one mode beside the other, and how far one agent goes."""

QUICK = (
    Case(name="spread", nodes=500, pods=1500, idle_seconds=15, later_idle_seconds=15, audited=True),
    Case(name="large", nodes=2000, pods=2000, idle_seconds=20, later_idle_seconds=20),
)
