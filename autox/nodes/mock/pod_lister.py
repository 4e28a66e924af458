"""Which pods are on which mock node, for the kubelet endpoints; kept only by agents that serve them.

The provider tells of each pod that its watch shows, and of each that is gone. Pods are kept as they were decoded, and
turned into what the endpoints know of them when one is asked for: most are never asked for.
"""

from collections.abc import Iterator

from autox.nodes.mock.pods import Pod
from autox.nodes.mock.podview import PodView, view_of


class PodLister:
    """The newest known state of each pod, by its node."""

    def __init__(self) -> None:
        self._pods: dict[str, dict[str, Pod]] = {}
        self._nodes: dict[str, str] = {}

    def observe(self, pod: Pod) -> None:
        """A pod is there, in this state; a pod never changes its node."""
        uid = pod.metadata.uid
        self._nodes[uid] = pod.spec.node_name
        self._pods.setdefault(pod.spec.node_name, {})[uid] = pod

    def forget(self, uid: str) -> None:
        """A pod is gone; one that was never there is no mistake."""
        node = self._nodes.pop(uid, None)
        if node is not None:
            del self._pods[node][uid]

    def pods(self, node: str) -> Iterator[PodView]:
        """The pods on a node."""
        return map(view_of, tuple(self._pods.get(node, {}).values()))

    def pod(self, node: str, namespace: str, name: str) -> PodView | None:
        """See ``autox.nodes.mock.podview.NodePods``."""
        found = [
            pod
            for pod in self._pods.get(node, {}).values()
            if pod.metadata.name == name and pod.metadata.namespace == namespace
        ]
        newest = max(found, key=lambda pod: pod.metadata.creation_timestamp or "", default=None)
        return None if newest is None else view_of(newest)
