"""Why a load is refused whose numbers are each allowed, and too much together: sentences with gaps, said once.

``limits`` and ``clientlimits`` next door fill them where a document is read, and ``autox.api.chartsums`` has Helm fill
the same ones where a chart is installed.
"""

CLIENTS_OF_ONE_NAME = "clients: the name {name} is given twice, and metrics are called by it"
TOO_MANY_CLIENTS = "clients: {found} {what} are asked for in all, and {most} are the most"
CLIENT_SUMS = (
    "clients",
    "requests a second (rate times clients)",
    "objects to get and patch",
    "bytes (objects times size)",
)
"""What is summed of clients, in this order."""

TOO_MANY_NODES = "nodes is {nodes}, and those who keep them can keep {room}: share them out with agents: {more}"
TOO_MANY_AGENTS = "agents is {agents}, and nodes is {nodes}: each agent needs a node"
TOO_MANY = "{what} are {found} in all, and may be {most}"
NO_ROOM = (
    "{nodes} virtual nodes have room for {room} pods, and {pods} were asked for: ask for more nodes or for fewer pods"
)
TOO_LARGE = (
    "the objects would take some {takes} GiB, and etcd's quota is {most} GiB where nobody raised it: ask for fewer or"
    " smaller ones"
)
OF_A_PLAN = "the last objects of the plan"
OF_PODS = "the last of {pods} pods at {rate} a second"
AND_LATENCY_PODS = " and {pods} latency pods"
TOO_LATE = (
    "{load}{more} are due after {last} s, and the time is up after {timeout} s: give a longer timeout, a higher rate or"
    " fewer pods"
)
