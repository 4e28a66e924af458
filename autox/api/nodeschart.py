"""The values of the chart ``nodes``: agents in cluster A whose virtual nodes belong to cluster B.

One set of values is for both clusters, and ``install`` says which half a release is: so that the identity that is made
in B may be just the nodes that the agents in A are. Next door, ``nodes`` describes the file of one agent; ``stages``
stands here as it stands in a file of its own, and Helm refuses most of the same mistakes.

Rejected: ``stages`` as the text of a file (``--set-file``). A mistake would be told by a pod that restarts.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from autox.api.fields import DnsName, LeaseDuration, Shape
from autox.api.pods import Beside, PodOptions, Variable
from autox.api.stages import StagesDocument
from autox.api.values import ImageSection
from autox.model.nodes import NODE_LEASE_SECONDS, Mode

MOST_REPLICAS = 1_000
MOST_NODES = 10_000

# NB: a node's name is the value of its label kubernetes.io/hostname too, which holds 63 characters.
_NAME_PREFIX = Shape(
    pattern=r"[a-z0-9][-a-z0-9]*",
    most=63 - len(f"{MOST_REPLICAS - 1}-{MOST_NODES - 1}"),
    what="what names of nodes can begin with: lower-case letters, digits and '-'",
)
_SERVER = Shape(pattern=r"https://[^\s\"'\\@?#/]+/?", most=512, what="a URL such as https://10.0.0.1:6443")


def _rules() -> dict[str, Any]:
    """What JSON Schema is told of the rules between fields."""
    is_identity = {"properties": {"install": {"const": "identity"}}, "required": ["install"]}
    return {"if": is_identity, "then": {"required": ["server"]}, "else": {"required": ["kubeconfigSecret"]}}


class InlineStages(StagesDocument):
    """A stages.yaml that comes through Helm."""

    # NB: Helm takes numbers for floating-point ones: a larger seed would become another one on its way.
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0


class NodesChartValues(PodOptions):
    """The values of the chart."""

    model_config = ConfigDict(json_schema_extra=_rules())

    install: Annotated[
        Literal["agents", "identity"],
        Field(description="The agents, into cluster A; or what they are allowed, into cluster B."),
    ] = "agents"
    replicas: Annotated[int, Field(ge=0, le=MOST_REPLICAS, description="How many agents.")] = 1
    nodes_per_replica: Annotated[int, Field(ge=1, le=MOST_NODES, description="How many nodes each agent is.")] = 100
    name_prefix: Annotated[
        str, _NAME_PREFIX, Field(description="What the nodes' names begin with; agent and node number follow.")
    ] = "virtual-"
    mode: Annotated[Mode, Field(description="Share one identity, or act as kubelets.")] = Mode.CHEAP
    node_lease_duration_seconds: Annotated[
        LeaseDuration, Field(description="How long each node's lease lasts; renewed in a quarter of that.")
    ] = NODE_LEASE_SECONDS
    kubeconfig_secret: Annotated[
        DnsName | None, Field(description="A Secret in the release's namespace with the key kubeconfig: cluster B's.")
    ] = None
    allow_exec: Annotated[
        bool, Field(description="The kubeconfig in that Secret may run a program and read files for its credentials.")
    ] = False
    server: Annotated[
        Annotated[str, _SERVER] | None, Field(description="The API server of cluster B, as the agents reach it.")
    ] = None
    stages: Annotated[
        InlineStages | None, Field(description="What pods and nodes go through: a stages.yaml, inline.")
    ] = None
    image: Annotated[ImageSection, Field(description="Of the agents.")] = ImageSection()
    resources: dict[str, Any] = Field(default_factory=dict, description="Of each agent's container, as in a pod.")
    env: Annotated[
        tuple[Variable, ...],
        Beside(("POD_IP", "POD_INDEX")),
        Field(description="More variables of each agent's container."),
    ] = ()
