"""The environment variables by which a cluster knows its processes; see ``processes``, which reads them."""

CLUSTER_MARK = "AUTOX_CLUSTER_STATE"
COMPONENT_MARK = "AUTOX_COMPONENT"
DIGEST_MARK = "AUTOX_DIGEST"
NODE_MARK = "AUTOX_NODE_STATE"
"""Only a process node and the containers on it have this one."""
