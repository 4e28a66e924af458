"""What a run and its agents say to each other: lines of JSON and words over the agent's standard input and output.

The first line that an agent is sent is its orders. Each line after that is a word, perhaps with the name of a node, and
is answered in its turn by a line with the agent's figures, when it has done what it was told. An agent whose nodes
cannot be kept says why in its last line. Its input ends when the run is done, or dead, and then so does the agent.

Rejected: a server in each agent, which a run would have to find, to let in and to secure.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import msgspec

from autox.nodes.agent.figures import AgentFigures
from autox.tasks.density.fleets.fleet import POD_CIDR
from autox.tasks.density.labels import RunLabels

LOOK, WITHDRAW, RESTORE = "look", "withdraw", "restore"
"""Tell the figures; keep a node no more; make it again."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent is.

    Attributes:
        kubeconfig: of the cluster under test.
        allow_exec: it may run a credential plugin.
        allow_files: it may name files.
        run: the run's label.
        namespace: its namespace.
        number: which agent, from 1.
        agents: how many there are.
        first: the number of its first node.
        count: how many nodes it keeps.
    """

    kubeconfig: str
    allow_exec: bool
    allow_files: bool
    run: str
    namespace: str
    number: int
    agents: int
    first: int
    count: int

    @property
    def run_labels(self) -> RunLabels:
        """Those of its run."""
        return RunLabels(run=self.run, namespace=self.namespace)

    @property
    def names(self) -> list[str]:
        """The names of its nodes."""
        return [f"{self.run_labels.node_prefix}{self.first + index}" for index in range(self.count)]

    @property
    def pod_cidr(self) -> IPv4Network:
        """The addresses of its pods: room for all pods of the largest run, whatever the scheduler does."""
        shares = POD_CIDR.subnets(prefixlen_diff=(self.agents - 1).bit_length())
        return next(share for number, share in enumerate(shares, start=1) if number == self.number)

    def __str__(self) -> str:
        nodes = "1 virtual node" if self.count == 1 else f"{self.count:,} virtual nodes"
        return f"agent {self.number} of {self.agents}, which kept {nodes},"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an agent.

    Attributes:
        figures: as they are when it has done what it was told; None in its last line.
        error: why its nodes cannot be kept.
        hint: what to do about it.
    """

    figures: AgentFigures | None = None
    error: str = ""
    hint: str = ""


def shared_out(
    run_labels: RunLabels, *, kubeconfig: Path, allow_exec: bool, allow_files: bool, nodes: int, agents: int
) -> Iterator[Orders]:
    """The orders of each agent: as many nodes as the others, or one more.

    Args:
        run_labels: of the run.
        kubeconfig: of the cluster under test.
        allow_exec: it may run a credential plugin.
        allow_files: it may name files.
        nodes: how many there are in all.
        agents: how many agents, and no more than nodes.
    """
    bounds = [nodes * number // agents for number in range(agents + 1)]
    for number in range(1, agents + 1):
        first, after = bounds[number - 1], bounds[number]
        yield Orders(
            kubeconfig=str(kubeconfig),
            allow_exec=allow_exec,
            allow_files=allow_files,
            run=run_labels.run,
            namespace=run_labels.namespace,
            number=number,
            agents=agents,
            first=first,
            count=after - first,
        )
