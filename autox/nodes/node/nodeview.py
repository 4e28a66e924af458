"""What an agent reads of a Node: whose it is, and what it says of itself. Pure.

A Node is some 3 kB of JSON, of which this is a small part, decoded straight from the API server's bytes; there may be
thousands, and each is seen again every five minutes. ``nodeobject`` next door is the other direction.
"""

from collections.abc import Mapping
from sys import intern
from typing import Any

import msgspec

from autox.kube.decoders import ObjectMetadata, Part
from autox.model.errors import ServerError
from autox.nodes.node.nodeobject import CONDITIONS, PROVIDER_LABEL, Turn


class NodeMetadata(ObjectMetadata, frozen=True):
    """The Node's metadata."""

    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None


class NodeInfo(Part, frozen=True):
    """What serves it."""

    kubelet_version: str = ""


class NodeCondition(Part, frozen=True):
    """One of the status' conditions."""

    type: str = ""
    status: str = ""
    last_transition_time: str | None = None


class NodeStatus(Part, frozen=True):
    """What was told of it."""

    conditions: tuple[NodeCondition, ...] | None = None
    node_info: NodeInfo = NodeInfo()


class NodeView(Part, frozen=True):
    """A Node."""

    metadata: NodeMetadata = NodeMetadata()
    status: NodeStatus = NodeStatus()

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.metadata.labels or {}

    def is_ours(self, provider: str) -> bool:
        """Did an agent with this provider register the node?"""
        return self.labels.get(PROVIDER_LABEL) == provider

    def is_free(self) -> bool:
        """Does nobody serve it? No agent of ours with any provider, and no kubelet, whose version it would say."""
        return PROVIDER_LABEL not in self.labels and not self.status.node_info.kubelet_version

    def needs_heartbeat(self) -> bool:
        """Does it say something else about itself than a running agent would?

        So it is after the node lifecycle controller gave up on an agent that was away (``Ready`` Unknown). Only
        conditions are compared: the API server rewrites quantities, and a comparison of those would never rest.
        """
        said = {each.type: each.status for each in self.status.conditions or ()}
        return any(said.get(kind) != status for kind, status, _, _ in CONDITIONS)

    def turns(self) -> tuple[Turn, ...]:
        """The little that is kept of its conditions."""
        return tuple(
            (intern(each.type), intern(each.status), each.last_transition_time or "")
            for each in self.status.conditions or ()
        )


_decoder = msgspec.json.Decoder(NodeView)


def decode_node(answer: bytes, *, what: str) -> NodeView:
    """The Node in an answer.

    Raises:
        ServerError: there is none in it.
    """
    try:
        return _decoder.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ServerError(f"{what}: the server sent something else") from error


def node_from(obj: dict[str, Any]) -> NodeView:
    """The Node in a decoded object.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(obj, NodeView)
