"""The HTTPS endpoints of nodes, where the API server and scrapers ask for what only the node has.

``server`` listens, lets in whoever may ask and answers; what it answers, each provider says in ``routes``. ``places``
tells which node a connection is about, ``access`` (pure) and ``reviews`` whether the caller may ask, ``podlogs``
reads what of a log is wanted and sends it, ``logfiles`` are the endpoints of provider ``process``, and
``remotecommand`` (pure) is how ``kubectl exec`` talks; provider ``mock`` has its endpoints in ``autox.nodes.mock``.
"""
