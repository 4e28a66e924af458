"""One process of a cluster: how it is started, and what tells whether it has to be started anew.

Its digest covers everything that decides how it runs, so that ``up`` restarts just what changed. ``plan`` makes them
all, ``processes`` starts and finds them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A process of a cluster.

    Attributes:
        name: one of ``spec.COMPONENTS``, or ``spec.CONTAINERD_NODE``.
        argv: the command line; no secret is ever in it.
        environment: the variables that were asked for.
        inherited: the few variables that come from whoever started it; they decide nothing, so that an ``up`` from
            another shell restarts nothing.
        listeners: the names in ``network.PORTS`` that it listens on.
        health: the URLs that answer 200 to the administrator when it is ready.
        content: what else decides how it runs: the content of its configuration files, and the API server's address,
            which stands in its kubeconfig.
        forks: whether what is started ends at once and goes on as another process of the same environment.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    listeners: Sequence[str]
    health: Sequence[str]
    inherited: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    forks: bool = False

    @property
    def digest(self) -> str:
        """Sixteen hex digits over everything that decides how it runs."""
        text = json.dumps([list(self.argv), dict(self.environment), self.content], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
