"""The environment variables that label a cluster's processes, as labels do objects; ``processes`` reads them."""

CLUSTER_LABEL = "AUTOX_CLUSTER_STATE"
COMPONENT_LABEL = "AUTOX_COMPONENT"
DIGEST_LABEL = "AUTOX_DIGEST"
NODE_LABEL = "AUTOX_NODE_STATE"
"""Only a process node and the containers on it have this one."""
