"""The one rule between published and real addresses, and who has which: ``10.x.y.z`` is really ``127.x.y.z``.

An EndpointSlice never lists a loopback address, and without root a process can listen on nothing else that is its
own. So a pod publishes ``10.P.x.y`` and its process listens on ``127.P.x.y``; a Service of ClusterIP ``10.S.x.y`` is
answered by the forwarder on ``127.S.x.y``. The rule keeps no table, so it survives every restart. Rejected: one
shared address with a port for each pod, since ``containerPort`` would no longer be true.
"""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from socket import inet_ntoa

from autox.model.errors import AlreadyExistsError, ConfigurationError, InvalidError, TransientError

PUBLISHED = IPv4Network("10.0.0.0/8")
LOOPBACK = IPv4Network("127.0.0.0/8")

# The first 256 addresses of the pod range stay free for the nodes themselves (their kubelet endpoints).
_RESERVED = 256


def loopback(ip: str) -> str:
    """Where a process behind the published address ``ip`` really listens: ``10.244.1.7`` gives ``127.244.1.7``.

    Raises:
        InvalidError: ``ip`` is not an IPv4 address of 10.0.0.0/8.
    """
    try:
        address = IPv4Address(ip)
    except AddressValueError as error:
        raise InvalidError(f"{ip!r} is not an IPv4 address") from error
    if address not in PUBLISHED:
        raise InvalidError(f"{ip} is not an address of {PUBLISHED}, so it has no counterpart in {LOOPBACK}")
    return str(LOOPBACK.network_address + (int(address) - int(PUBLISHED.network_address)))


def pod_network(cidr: str) -> IPv4Network:
    """The published range of a cluster's pods.

    Raises:
        ConfigurationError: not an IPv4 range within 10.0.0.0/8.
    """
    try:
        network = IPv4Network(cidr)
    except ValueError as error:
        raise ConfigurationError(f"podCIDR {cidr!r} is not an IPv4 range: {error}") from error
    if not network.subnet_of(PUBLISHED):
        raise ConfigurationError(f"podCIDR {cidr} is not within {PUBLISHED}", hint="choose one such as 10.244.0.0/16")
    return network


class AddressPool:
    """Published addresses for the pods of one range, one for each pod UID.

    A freed address comes back only after every other one has had its turn, so that a stale EndpointSlice or a client
    with a cached address never reaches the wrong pod soon after.
    """

    def __init__(self, cidr: str) -> None:
        """Take the addresses of ``cidr`` after its first 256 (the nodes') and before its last (a broadcast address).

        Raises:
            ConfigurationError: not an IPv4 range within 10.0.0.0/8, or too small to hold a pod.
        """
        network = pod_network(cidr)
        self._network = network
        self._base = int(network.network_address) + _RESERVED
        self._size = network.num_addresses - _RESERVED - 1
        if self._size < 1:
            raise ConfigurationError(
                f"podCIDR {cidr} is too small: its first {_RESERVED} addresses belong to the nodes",
                hint="choose a range of /23 or wider, such as 10.244.0.0/16",
            )
        self._offsets: dict[str, int] = {}
        self._holders: dict[int, str] = {}
        self._next = 0

    def acquire(self, pod_uid: str) -> str:
        """The published address of this pod, the same at each call until it is released.

        Raises:
            TransientError: every address of the range is taken.
        """
        held = self._offsets.get(pod_uid)
        if held is not None:
            return self._address(held)
        if len(self._holders) >= self._size:
            raise TransientError(
                f"all {self._size} pod addresses of {self._network} are taken",
                hint="delete pods or configure a wider podCIDR",
            )
        offset = self._next
        while offset in self._holders:
            offset = (offset + 1) % self._size
        return self._take(pod_uid, offset)

    def claim(self, pod_uid: str, ip: str) -> str:
        """Hand a pod the address it had before this node was restarted.

        Raises:
            AlreadyExistsError: another pod has that address, or this pod has another one.
            InvalidError: not an address that this pool hands out.
        """
        try:
            offset = int(IPv4Address(ip)) - self._base
        except AddressValueError as error:
            raise InvalidError(f"{ip!r} is not an IPv4 address") from error
        if not 0 <= offset < self._size:
            raise InvalidError(f"{ip} is not a pod address of {self._network}")
        if self._holders.get(offset, pod_uid) != pod_uid:
            raise AlreadyExistsError(f"pod address {ip} is taken by another pod")
        if self._offsets.get(pod_uid, offset) != offset:
            raise AlreadyExistsError(f"the pod already has the address {self._address(self._offsets[pod_uid])}")
        return self._take(pod_uid, offset)

    def release(self, pod_uid: str) -> None:
        """Take the address back; a pod without one is no mistake."""
        offset = self._offsets.pop(pod_uid, None)
        if offset is not None:
            del self._holders[offset]

    def _take(self, pod_uid: str, offset: int) -> str:
        self._offsets[pod_uid] = offset
        self._holders[offset] = pod_uid
        # NB: a claim moves the turn on too, or the first pods after a restart would get addresses freed just before.
        self._next = (offset + 1) % self._size
        return self._address(offset)

    def _address(self, offset: int) -> str:
        return inet_ntoa((self._base + offset).to_bytes(4, "big"))
