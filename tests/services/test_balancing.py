"""Whose turn it is."""

from autox.nodes.services.balancing import Rotation
from autox.nodes.services.endpoints import Target

A, B, C = (Target(address=f"127.244.1.{number}", port=80) for number in range(3))


def test_targets_take_turns() -> None:
    """Each new connection starts with the next one, and the others follow in case it does not answer."""
    rotation = Rotation()

    assert [rotation.order([A, B, C], client="c", now=0.0) for _ in range(4)] == [
        [A, B, C],
        [B, C, A],
        [C, A, B],
        [A, B, C],
    ]


def test_targets_may_come_and_go() -> None:
    """The turn never points past the end."""
    rotation = Rotation()
    for targets in ([A, B, C], [A], [], [B, C], [A, B, C]):
        assert sorted(rotation.order(targets, client="c", now=0.0), key=str) == targets


def test_without_affinity_clients_are_not_remembered() -> None:
    """A client that was served by one pod is sent to the next."""
    rotation = Rotation()
    rotation.remember("c", A, now=0.0)

    assert [rotation.order([A, B], client="c", now=0.0)[0] for _ in range(2)] == [A, B]


def test_a_client_keeps_its_target_while_it_keeps_coming() -> None:
    """With ClientIP affinity, until it has stayed away for the timeout; others take turns."""
    rotation = Rotation(affinity_seconds=10.0)
    rotation.remember("c", B, now=0.0)

    assert rotation.order([A, B, C], client="c", now=9.0) == [B, C, A]
    assert rotation.order([A, B, C], client="other", now=9.0)[0] == A

    rotation.remember("c", B, now=9.0)

    assert rotation.order([A, B, C], client="c", now=18.0)[0] == B
    assert rotation.order([A, B, C], client="other", now=19.0)[0] == B
    assert rotation.order([A, B, C], client="c", now=19.0)[0] == C


def test_a_client_whose_target_is_gone_gets_another() -> None:
    """Affinity never leads to a pod that is not there."""
    rotation = Rotation(affinity_seconds=10.0)
    rotation.remember("c", C, now=0.0)

    assert rotation.order([A, B], client="c", now=1.0)[0] == A


def test_memory_for_clients_is_bounded() -> None:
    """Hostile clients cannot fill it; the one that came last is still known."""
    rotation = Rotation(affinity_seconds=10.0)
    for number in range(10_500):
        rotation.remember(str(number), B, now=0.0)

    assert rotation.order([A, B], client="10499", now=1.0)[0] == B
    assert rotation.order([A, B], client="0", now=1.0)[0] == A
