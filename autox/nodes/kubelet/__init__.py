"""The HTTPS endpoints of a node, where the API server asks for what only the node has: the logs of containers.

``server`` listens, lets in nobody but the API server and answers; ``logquery`` reads what of a log is wanted (pure).
"""
