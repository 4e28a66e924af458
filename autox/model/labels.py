"""The labels by which autox knows its own: they stand on records and on Helm releases; and annotations of its Jobs."""

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"  # by convention the name of the release that an object is of
GROUP = "autox.dev/group"
GROUP_NAMESPACE = "autox.dev/group-namespace"
SPEC = "autox.dev/spec"
EXPERIMENT = "autox.dev/experiment"
CLAIM = "autox.dev/installed-by"  # the controller's process that a release was made by
UID = "autox.dev/experiment-uid"  # of the record that a release was made for; another one of that name is another run
RETEST = "autox.dev/retest"
"""An annotation of a record: somebody asks for the next revision."""

START_TIMEOUT = "autox.dev/start-timeout"  # of a Job: a duration within which a container of it must run
STOPPED_REASON, STOPPED_MESSAGE = "autox.dev/stopped-reason", "autox.dev/stopped-message"
"""Of a Job that the controller ended: why."""
