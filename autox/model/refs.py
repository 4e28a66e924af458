"""Names of kinds of things in Kubernetes, and the ones that autox itself speaks of.

A ``Resource`` is what discovery calls an API resource: group, version and plural make its URL, the kind is what
bodies carry.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of object that an API server serves; group ``""`` is the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What ``apiVersion`` says in a body: ``v1`` or ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, of one object, or of one subresource of it.

        Args:
            namespace: None for all namespaces, and for what is in none.
            name: of the object; None for the collection.
            subresource: such as ``status``; None for the object itself.

        Raises:
            ValueError: a namespace for a cluster-scoped resource, a name without its namespace, or a subresource
                without a name: mistakes of the caller, not of the user.
        """
        if namespace is not None and not self.namespaced:
            raise ValueError(f"{self.plural} are not namespaced")
        if self.namespaced and name is not None and namespace is None:
            raise ValueError(f"{self.plural}/{name} needs a namespace")
        if subresource is not None and name is None:
            raise ValueError(f"subresource {subresource} needs a name")
        parts = ["/api" if not self.group else f"/apis/{self.group}", self.version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part is not None]
        return "/".join(parts)


PODS = Resource(group="", version="v1", plural="pods", kind="Pod")
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
NAMESPACES = Resource(group="", version="v1", plural="namespaces", kind="Namespace", namespaced=False)
SERVICES = Resource(group="", version="v1", plural="services", kind="Service")
SECRETS = Resource(group="", version="v1", plural="secrets", kind="Secret")
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")
SERVICE_ACCOUNTS = Resource(group="", version="v1", plural="serviceaccounts", kind="ServiceAccount")
EVENTS = Resource(group="", version="v1", plural="events", kind="Event")
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments", kind="Deployment")
REPLICA_SETS = Resource(group="apps", version="v1", plural="replicasets", kind="ReplicaSet")
STATEFUL_SETS = Resource(group="apps", version="v1", plural="statefulsets", kind="StatefulSet")
DAEMON_SETS = Resource(group="apps", version="v1", plural="daemonsets", kind="DaemonSet")
CRON_JOBS = Resource(group="batch", version="v1", plural="cronjobs", kind="CronJob")
EXPERIMENT_GROUPS = Resource(group="autox.dev", version="v1alpha1", plural="experimentgroups", kind="ExperimentGroup")
EXPERIMENTS = Resource(group="autox.dev", version="v1alpha1", plural="experiments", kind="Experiment")
JOBS = Resource(group="batch", version="v1", plural="jobs", kind="Job")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease")
ENDPOINT_SLICES = Resource(group="discovery.k8s.io", version="v1", plural="endpointslices", kind="EndpointSlice")
CLUSTER_ROLES = Resource(
    group="rbac.authorization.k8s.io", version="v1", plural="clusterroles", kind="ClusterRole", namespaced=False
)
CLUSTER_ROLE_BINDINGS = Resource(
    group="rbac.authorization.k8s.io",
    version="v1",
    plural="clusterrolebindings",
    kind="ClusterRoleBinding",
    namespaced=False,
)
ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group="rbac.authorization.k8s.io", version="v1", plural="rolebindings", kind="RoleBinding")
TOKEN_REVIEWS = Resource(
    group="authentication.k8s.io", version="v1", plural="tokenreviews", kind="TokenReview", namespaced=False
)
SUBJECT_ACCESS_REVIEWS = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="subjectaccessreviews",
    kind="SubjectAccessReview",
    namespaced=False,
)
SELF_SUBJECT_ACCESS_REVIEWS = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="selfsubjectaccessreviews",
    kind="SelfSubjectAccessReview",
    namespaced=False,
)
SELF_SUBJECT_REVIEWS = Resource(
    group="authentication.k8s.io",
    version="v1",
    plural="selfsubjectreviews",
    kind="SelfSubjectReview",
    namespaced=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """One object by the five words that name it; its kind is not needed to read it.

    Attributes:
        group: its API group; ``""`` is the core group.
        version: of the API, ``v1`` for instance.
        resource: the plural, ``deployments`` for instance.
        namespace: where it is.
        name: which one.
    """

    group: str
    version: str
    resource: str
    namespace: str
    name: str

    @property
    def api_resource(self) -> Resource:
        """What it is; the kind is left empty, for only bodies need it."""
        return Resource(group=self.group, version=self.version, plural=self.resource, kind="")

    def __str__(self) -> str:
        """``deployments.apps/default/web``, and ``services/default/web`` in the core group."""
        return f"{self.resource}{'.' if self.group else ''}{self.group}/{self.namespace}/{self.name}"
