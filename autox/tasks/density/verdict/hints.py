"""What whoever reads a verdict can do next, by what gave way: a small table, one clause each.

Each names what can be looked at or changed now: a flag of a component, a figure of the same result, an object of the
cluster under test. The flags are those of Kubernetes' own components, and a test asks these whether they have them.
"""

_CLIENT = "may ask of the API server (its flags --kube-api-qps and --kube-api-burst)"

API_SERVER_GONE = (
    "find out why the API server was not there: its log, and its memory (density/memory-max/apiserver) beside its limit"
)
API_SERVER_SLOW = (
    "give the API server more of a processor (density/cpu-max/apiserver is what it used), let several of them share"
    " the load, or ask for less at a time"
)
ETCD_GONE = (
    "find out why etcd was not there: its log, its memory (density/memory-max/etcd), and its database"
    " (density/etcd-db-size-max) beside its --quota-backend-bytes"
)
ETCD_BUSY = (
    "its disk is quick, so look at etcd's processor (density/cpu-max/etcd is what it used) and at the way from the API"
    " server to it"
)
ETCD_SLOW = (
    "give etcd a faster disk, or one that it shares with nobody: etcd asks for an fsync (density/etcd-fsync-p99) of"
    " less than 10 ms"
)
FAIRNESS = (
    "raise the API server's --max-requests-inflight and --max-mutating-requests-inflight, which add up, or give the"
    " level more shares in its PriorityLevelConfiguration"
)
LARGE_CALLS = (
    "ask for less in each call (limit, selectors), or from the watch cache (consistency: cache): that is what takes the"
    " API server so long"
)
PACE = "take more clients at a lower rate each: one asks again when it was answered"
WEBHOOK = "look at who answers the webhook, or have it asked less: its rules and its namespaceSelector"
CONTROLLER_MANAGER_THROTTLED = f"raise what the controller manager {_CLIENT}"
CONTROLLER_MANAGER_BUSY = (
    "let the controller manager work on more objects at once (--concurrent-deployment-syncs,"
    " --concurrent-replicaset-syncs and their like), or give it more of a processor"
    " (density/cpu-max/controller-manager is what it used)"
)
CONTROLLER_MANAGER = (
    f"raise what the controller manager {_CLIENT}, or how many objects it works on at once"
    " (--concurrent-deployment-syncs, --concurrent-replicaset-syncs)"
)
SCHEDULER_THROTTLED = f"raise what the scheduler {_CLIENT}"
SCHEDULER = (
    f"raise what the scheduler {_CLIENT}, or give it more of a processor (density/cpu-max/scheduler is what it used)"
)
CLOCK = "see who sets the clock of the API server's machine, or which other one answered, and run this again"
AGENTS = (
    "see who ended it and why, a limit of memory for instance (density/memory-max/agents is what they used together);"
    " give the run more memory, or fewer nodes"
)
OURS = "give the test less load, or a machine that has less else to do and is nearer to the API server"

CONTROLLER_MANAGER_GONE = "see whether the controller manager of the cluster under test runs, and what its log says"
SCHEDULER_GONE = "see whether the scheduler of the cluster under test runs, and what its log says"
NO_ROOM = "give the scheduler what it says that the nodes lack, or keep others from changing pods and nodes of the run"
REFUSED = "change what refuses them in the cluster under test, a quota or an admission, or ask for less"
ALTERED = "keep the admission that changes objects away from the run's namespaces, which begin with autox-density-"
INTERFERED = "keep others from the run's namespaces, which begin with autox-density-, and run this again"
