"""Our thin asyncio Kubernetes client: everything autox says to an API server goes through here.

``auth`` finds credentials and makes a ``Connection``; ``transport`` sends one request and maps whatever comes back
to the errors of ``autox.model.errors``; ``client`` has the verbs; ``watch`` lists and watches for ever; ``lease``,
``access`` and ``events`` are the three small things controllers need besides. Objects are plain JSON dictionaries
going in and coming out: nothing is dropped that this version of autox does not know.

Rejected: the official client for all of it. It costs one and a half to six times the CPU and twice the memory
(``docs/benchmarks.md``), drops fields it does not know on reading, and its watch gives up where ours
has to go on. It is still what runs the credential plugins of a kubeconfig, see ``auth``.
"""
