"""aiohttp, imported without the system's certificate authorities.

aiohttp reads all of them (some 140) into a context of its own when it is imported: 60 ms of CPU and 4 MB that are never
used here, for each connection to an API server brings the context that its kubeconfig describes. An agent of virtual
nodes is a small process. The modules of this package that speak aiohttp import it from here.
"""

import os

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_BEFORE = {name: os.environ[name] for name in _PLACES if name in os.environ}

os.environ.update(dict.fromkeys(_PLACES, os.devnull))
try:
    import aiohttp
finally:
    for name in _PLACES:
        del os.environ[name]
    os.environ.update(_BEFORE)

__all__ = ["aiohttp"]
