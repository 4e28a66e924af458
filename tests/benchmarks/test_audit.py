"""What the benchmark of virtual nodes reads from the API server's audit log."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from benchmarks.nodes.audit import Findings, check, makes_running

RUNNING = {"status": {"phase": "Running"}}


def entry(
    verb: str,
    path: str,
    name: str = "",
    *,
    user: str = "agent",
    acting_as: str | None = None,
    code: int = 200,
    body: dict[str, Any] | None = None,
) -> bytes:
    """One line of the log; ``path`` is a resource, with its subresource after a slash."""
    resource, _, subresource = path.partition("/")
    event = {
        "kind": "Event",
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        **({} if acting_as is None else {"impersonatedUser": {"username": acting_as}}),
        "objectRef": {"resource": resource, "subresource": subresource, "name": name},
        "responseStatus": {"code": code},
        "requestObject": body,
    }
    return json.dumps(event).encode()


GOOD = [
    entry("create", "nodes", "virtual-0", code=201),
    entry("create", "leases", "virtual-0", code=201),
    entry("update", "leases", "virtual-0"),
    entry("patch", "pods/status", "pod-0", body=RUNNING),
    entry("patch", "pods/status", "pod-1", body=RUNNING),
    entry("delete", "pods", "pod-0"),
]


def findings(lines: Iterable[bytes]) -> Findings:
    """With one node of the agent's and two pods on it."""
    return check(lines, user="agent", nodes={"virtual-0"}, pods={"pod-0", "pod-1"})


def test_an_agent_that_does_as_it_should_is_called_correct() -> None:
    """One Running write for each pod, and every lease its own."""
    found = findings([*GOOD, entry("update", "leases", "apiserver-abc", user="system:apiserver")])

    assert found.is_correct
    assert (found.once, found.leases, found.lease_writes) == (2, 1, 2)
    assert str(found).startswith("2 of 2 pods got exactly one Running write, 0 more than one")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (entry("patch", "pods/status", "pod-1", body=RUNNING), "repeated"),
        (entry("patch", "pods/status", "pod-1", body={"status": {"phase": "Failed"}}), "other_status"),
        (entry("patch", "pods/status", "stranger-1", body=RUNNING), "strange"),
        (entry("delete", "pods", "stranger-1"), "strange"),
        (entry("patch", "nodes/status", "stranger"), "strange"),
        (entry("create", "leases", "stranger", code=201), "strange"),
        (entry("update", "leases", "virtual-0", acting_as="system:node:virtual-1"), "strange"),
        (entry("patch", "nodes/status", "virtual-0", acting_as="system:node:virtual-1"), "strange"),
        (entry("watch", "pods", code=403), "forbidden"),
        (entry("patch", "pods/status", "pod-1", code=403), "forbidden"),
        (entry("patch", "pods/status", "pod-1", user="other", body=RUNNING), "by_others"),
        (entry("update", "leases", "virtual-0", user="other"), "by_others"),
        (entry("patch", "nodes/status", "virtual-0", user="other"), "by_others"),
    ],
)
def test_each_wrong_write_is_counted_as_what_it_is(line: bytes, field: str) -> None:
    """And one is enough for the verdict."""
    found = findings([*GOOD, line])

    assert getattr(found, field) == 1
    assert not found.is_correct


def test_watches_are_counted() -> None:
    """By resource, the agent's own; a read of somebody else's is nobody's matter."""
    own = [entry("watch", "pods"), entry("watch", "pods", acting_as="system:node:virtual-0"), entry("list", "nodes")]
    found = findings([*GOOD, *own, entry("watch", "nodes", user="other"), entry("get", "pods", user="other", code=403)])

    assert found.watches == {"pods": 2}
    assert found.is_correct
    assert str(found).endswith("0 requests forbidden; watches: 2 of pods")


@pytest.mark.parametrize("missing", ["leases", "pods/status"])
def test_what_was_not_written_is_missed(missing: str) -> None:
    """An agent that writes too little is not correct either."""
    resource, _, subresource = missing.partition("/")
    ref = {"resource": resource, "subresource": subresource}
    found = findings(line for line in GOOD if not ref.items() <= json.loads(line)["objectRef"].items())

    assert not found.is_correct


def test_a_refused_write_harms_nobody_and_is_told() -> None:
    """A pod that was gone already, a conflict: by status."""
    found = findings([*GOOD, entry("delete", "pods", "pod-0", code=404), entry("update", "leases", "x", code=409)])

    assert found.is_correct
    assert found.refused == {404: 1, 409: 1}
    assert "refused: 1 with 404, 1 with 409" in str(found)


def test_an_empty_log_proves_nothing() -> None:
    """No pod was run, so it is not correct."""
    assert not findings([]).is_correct


@pytest.mark.parametrize("line", [b"", b"{", b'{"verb": 5}', b"\xff"])
def test_a_log_that_cannot_be_read_is_an_error(line: bytes) -> None:
    """Half of a log says nothing."""
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        findings([*GOOD, line])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RUNNING, True),
        ([{"op": "replace", "path": "/status/phase", "value": "Running"}], True),
        ([{"op": "add", "path": "/status", "value": {"phase": "Running"}}], True),
        ([{"op": "add", "path": "/status/podIP", "value": "Running"}, "nonsense"], False),
        ({"status": {"phase": "Succeeded"}}, False),
        ({"status": None}, False),
        (None, False),
        ("Running", False),
    ],
)
def test_a_running_write_is_known_in_every_form(body: Any, expected: bool) -> None:  # noqa: FBT001  - a table
    """How an agent writes is its own affair."""
    assert makes_running(body) is expected
