"""How pods of a process node find each other without a pod network: addresses, variables, a forwarder.

``addresses`` is the one rule between what Kubernetes publishes and where a process really listens, ``variables``
builds the service environment a container starts with, ``endpoints`` and ``balancing`` say which pods stand behind
a service port and in which order to try them (all pure); ``relay`` couples two connections and ``forwarder`` follows
the cluster and listens. Rejected: a DNS server (needs port 53 or every program's resolver bent) and a network
namespace for each pod (needs root).
"""
