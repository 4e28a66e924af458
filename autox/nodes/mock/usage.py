"""How much CPU and memory a simulated container uses, as a function of time. Pure.

A steady mean with two slow waves on it, within a tenth of the mean, so that ``kubectl top`` and an autoscaler see
something alive that still is what was asked for. The waves follow from the pod's uid and the container's name, and
the CPU counter is the exact integral of the usage: nothing is remembered, so a restarted agent tells the same counter,
and no rounding ever makes it fall. Rejected: adding up samples, which would begin at zero after each restart.

A pod says what it uses with the annotations ``autox.dev/cpu-usage`` and ``autox.dev/memory-usage``: totals of the
pod, which its containers (init containers aside) share evenly. Without them, or with nonsense in them, a container
uses a part of what it requests, or a little if it requests nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import starmap

from autox.core.formats.notation import parse_quantity
from autox.nodes.mock.podview import ContainerView, PodView

CPU_USAGE = "autox.dev/cpu-usage"
MEMORY_USAGE = "autox.dev/memory-usage"

_AMPLITUDES = (0.08, 0.02)  # of the mean; together below 1, or the counter could fall
_SHORTEST = (240.0, 30.0)  # seconds; the longest period of a wave is twice that
_NODE_CORES = 0.05
_NODE_BYTES = 200.0 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """CPU in cores, or memory in bytes.

    Attributes:
        annotation: how a pod says what it uses of it.
        resource: its name among a container's requests.
        share: how much of its request a container uses.
        little: what a container uses that requests nothing.
        most: more than any machine has; beyond it is a slip of the pen.
    """

    annotation: str
    resource: str
    share: float
    little: float
    most: float


_CPU = _Kind(annotation=CPU_USAGE, resource="cpu", share=0.5, little=0.01, most=1e4)
_MEMORY = _Kind(annotation=MEMORY_USAGE, resource="memory", share=0.75, little=32.0 * 2**20, most=2.0**60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave on a mean of 1: its amplitude, its period in seconds, its phase in radians."""

    amplitude: float
    period: float
    phase: float

    def at(self, age: float) -> float:
        """Its height at an age in seconds."""
        return self.amplitude * math.sin(math.tau * age / self.period + self.phase)

    def integral(self, age: float) -> float:
        """Its integral from 0 to an age in seconds."""
        scale = self.amplitude * self.period / math.tau
        return scale * (math.cos(self.phase) - math.cos(math.tau * age / self.period + self.phase))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What something uses; ages are seconds since it was started, never negative.

    Attributes:
        mean_cores: CPU on average, in cores.
        mean_bytes: memory on average.
        waves: what moves it.
    """

    mean_cores: float
    mean_bytes: float
    waves: tuple[Wave, ...]

    def cores(self, age: float) -> float:
        """CPU in use at an age, in cores."""
        return self.mean_cores * (1 + sum(wave.at(age) for wave in self.waves))

    def core_seconds(self, age: float) -> float:
        """CPU used until an age, in core-seconds: the integral of ``cores`` from 0."""
        return self.mean_cores * (age + sum(wave.integral(age) for wave in self.waves))

    def memory(self, age: float) -> int:
        """Memory in use at an age, in bytes; it moves half as much as CPU does."""
        return round(self.mean_bytes * (1 + sum(wave.at(age) for wave in self.waves) / 2))


def container_usage(pod: PodView, container: ContainerView) -> Usage:
    """What a container of a pod uses while it runs; wrong annotations and requests count as none."""
    return Usage(
        mean_cores=_mean(pod, container, _CPU),
        mean_bytes=_mean(pod, container, _MEMORY),
        waves=_waves(f"{pod.uid}/{container.name}"),
    )


def node_usage(name: str) -> Usage:
    """What a node uses beside its pods: its system."""
    return Usage(mean_cores=_NODE_CORES, mean_bytes=_NODE_BYTES, waves=_waves(name))


def _waves(seed: str) -> tuple[Wave, ...]:
    digest = blake2b(seed.encode(), digest_size=2 * 2 * len(_AMPLITUDES)).digest()
    parts = [int.from_bytes(digest[at : at + 2]) / 0x10000 for at in range(0, len(digest), 2)]
    made = zip(_AMPLITUDES, _SHORTEST, parts[::2], parts[1::2], strict=True)
    return tuple(starmap(_wave, made))


def _wave(amplitude: float, shortest: float, stretch: float, turn: float) -> Wave:
    return Wave(amplitude=amplitude, period=shortest * (1 + stretch), phase=math.tau * turn)


def _mean(pod: PodView, container: ContainerView, kind: _Kind) -> float:
    total = None if container.is_init else _quantity(pod.annotations, kind.annotation, most=kind.most)
    if total is not None:
        return total / sum(not one.is_init for one in pod.containers)
    requested = _quantity(container.requests, kind.resource, most=kind.most)
    return requested * kind.share if requested else kind.little


def _quantity(where: Mapping[str, str], key: str, *, most: float) -> float | None:
    try:
        number = parse_quantity(where[key])
    except (KeyError, ValueError):
        return None
    return float(number) if 0 <= number <= most else None
