"""What the kubelet endpoints may know of the pods of this node: the pods themselves, and where logs are."""

from collections.abc import Callable, Iterable
from pathlib import Path

from autox.kube.objects import Object
from autox.model.errors import InvalidError, NotFoundError
from autox.nodes.process.pod.podcontainer import raw_containers
from autox.nodes.process.pod.worker import PodWorker
from autox.nodes.process.runtime.attempts import ContainerKey


class PodDirectory:
    """Finds pods and logs; messages are the kubelet's, as ``kubectl logs`` shows them."""

    def __init__(self, workers: Callable[[], Iterable[PodWorker]], log_path: Callable[[ContainerKey], Path]) -> None:
        """Look things up.

        Args:
            workers: whoever serves pods at the moment.
            log_path: where the log of an attempt is.
        """
        self._workers, self._log_path = workers, log_path

    def pods(self) -> list[Object]:
        """The pods of this node."""
        return [worker.pod for worker in self._workers()]

    def log_path(self, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
        """See ``autox.nodes.kubelet.logfiles.PodDirectory``."""
        worker = self._worker(namespace, pod)
        if container not in raw_containers(worker.pod):
            raise NotFoundError(f"container {container} is not valid for pod {pod}")
        attempts = worker.attempts(container)
        if previous:
            if len(attempts) < 2:
                raise InvalidError(f'previous terminated container "{container}" in pod "{pod}" not found')
            return self._log_path(_key(worker.pod, container, attempts[-2]))
        if not attempts:
            raise InvalidError(
                f'container "{container}" in pod "{pod}" is waiting to start: {worker.waiting_reason(container)}'
            )
        return self._log_path(_key(worker.pod, container, attempts[-1]))

    def _worker(self, namespace: str, name: str) -> PodWorker:
        """The newest pod of that name; one that is ending may still have it too."""
        found = [
            worker
            for worker in self._workers()
            if worker.pod["metadata"]["namespace"] == namespace and worker.pod["metadata"]["name"] == name
        ]
        if not found:
            raise NotFoundError(f'pod "{name}" in namespace "{namespace}" is not on this node')
        return max(found, key=lambda worker: str(worker.pod["metadata"].get("creationTimestamp", "")))


def _key(pod: Object, container: str, attempt: int) -> ContainerKey:
    return ContainerKey(pod_uid=pod["metadata"]["uid"], container=container, attempt=attempt)
