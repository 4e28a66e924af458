"""The labels by which autox knows its own: they stand on records and on Helm releases."""

MANAGED_BY = "app.kubernetes.io/managed-by"
GROUP = "autox.dev/group"
GROUP_NAMESPACE = "autox.dev/group-namespace"
SPEC = "autox.dev/spec"
EXPERIMENT = "autox.dev/experiment"
