"""The rule between published and real addresses, and who gets which."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.model.errors import AlreadyExistsError, ConfigurationError, InvalidError, TransientError
from autox.nodes.services.addresses import AddressPool, loopback

TEN = int(IPv4Address("10.0.0.0"))


@given(st.integers(min_value=0, max_value=2**24 - 1))
def test_every_published_address_has_one_real_one(offset: int) -> None:
    """Where a pod really listens is what it publishes but for the first number."""
    ip = str(IPv4Address(TEN + offset))

    assert loopback(ip).split(".") == ["127", *ip.split(".")[1:]]


@pytest.mark.parametrize("ip", ["", "None", "10.0.0", "10.0.0.256", "fd00::1", "192.168.1.1", "127.0.0.1", "१०.0.0.1"])
def test_an_address_outside_the_rule_is_refused(ip: str) -> None:
    """Nothing is quietly mapped to an address of somebody else."""
    with pytest.raises(InvalidError):
        loopback(ip)


def test_the_first_pod_gets_the_first_address_after_the_nodes() -> None:
    """10.P.0.x belongs to the nodes, so pods begin at .1.0."""
    pool = AddressPool("10.244.0.0/16")

    assert [pool.acquire("a"), pool.acquire("b")] == ["10.244.1.0", "10.244.1.1"]


def test_a_pod_keeps_its_address() -> None:
    """Asking twice gives the same answer."""
    pool = AddressPool("10.244.0.0/16")

    assert pool.acquire("a") == pool.acquire("a")


def test_a_freed_address_comes_back_last() -> None:
    """A stale endpoint does not lead to the next pod."""
    pool = AddressPool("10.244.0.0/16")
    freed = pool.acquire("a")
    pool.release("a")

    assert freed not in {pool.acquire(str(number)) for number in range(1000)}


def test_a_full_range_says_so_and_recovers() -> None:
    """The pod waits with a reason, and gets the address that is freed."""
    pool = AddressPool("10.7.0.0/23")
    held = [pool.acquire(str(number)) for number in range(255)]

    with pytest.raises(TransientError, match=r"all 255 pod addresses of 10\.7\.0\.0/23 are taken"):
        pool.acquire("late")

    pool.release("17")

    assert held[17] == pool.acquire("late")


def test_a_pod_found_again_after_a_restart_keeps_its_address() -> None:
    """Its running process listens there, so nobody else may get it."""
    pool = AddressPool("10.244.0.0/16")

    assert pool.claim("old", "10.244.1.1") == "10.244.1.1"
    assert pool.claim("old", "10.244.1.1") == pool.acquire("old")
    assert "10.244.1.1" not in {pool.acquire(str(number)) for number in range(300)}


def test_claims_that_contradict_are_refused() -> None:
    """Two pods never share an address, and one pod never has two."""
    pool = AddressPool("10.244.0.0/16")
    pool.claim("a", "10.244.1.1")

    with pytest.raises(AlreadyExistsError, match="another pod"):
        pool.claim("b", "10.244.1.1")
    with pytest.raises(AlreadyExistsError, match=r"already has the address 10\.244\.1\.1"):
        pool.claim("a", "10.244.1.2")


@pytest.mark.parametrize("ip", ["10.244.0.1", "10.244.255.255", "10.245.1.0", "127.244.1.0", "", "fd00::1"])
def test_a_claim_outside_the_range_is_refused(ip: str) -> None:
    """The nodes' own addresses and foreign ones are not for pods."""
    with pytest.raises(InvalidError):
        AddressPool("10.244.0.0/16").claim("a", ip)


def test_releasing_twice_is_no_mistake() -> None:
    """Cleaning up may be repeated."""
    pool = AddressPool("10.244.0.0/16")
    pool.acquire("a")
    pool.release("a")
    pool.release("a")


@pytest.mark.parametrize("cidr", ["", "10.244.0.0", "10.244.0.0/24", "10.0.0.1/8", "192.168.0.0/16", "fd00::/64", "x"])
def test_a_range_that_cannot_serve_is_refused_at_the_start(cidr: str) -> None:
    """A bad podCIDR is an error of the configuration, not of the first pod."""
    with pytest.raises(ConfigurationError, match="podCIDR"):
        AddressPool(cidr)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("adr"), st.integers(0, 12)), max_size=60))
def test_no_two_pods_ever_share_an_address(steps: list[tuple[str, int]]) -> None:
    """Whatever comes and goes, in any order."""
    pool, held = AddressPool("10.9.0.0/23"), dict[str, str]()
    for what, number in steps:
        uid = str(number)
        if what == "r":
            pool.release(uid)
            held.pop(uid, None)
        elif what == "a" or uid in held:
            held[uid] = pool.acquire(uid)
        else:
            ip = f"10.9.1.{number}"
            if ip not in held.values():
                held[uid] = pool.claim(uid, ip)

        assert len(set(held.values())) == len(held)
