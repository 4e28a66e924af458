"""aiohttp, imported without the system's certificate authorities.

aiohttp reads all of them (some 140) into a context of its own when it is imported: 60 ms of CPU and 4 MB that are never
used here: what it serves with TLS has a context of its own, and what it asks for is not trusted by them. An agent of
virtual nodes is a small process. All modules that speak aiohttp, as a server, a kubelet's prober or kopf's client,
import it from here.
"""

import os

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_BEFORE = {name: os.environ[name] for name in _PLACES if name in os.environ}

os.environ.update(dict.fromkeys(_PLACES, os.devnull))
try:
    import aiohttp
    from aiohttp import web
finally:
    for name in _PLACES:
        del os.environ[name]
    os.environ.update(_BEFORE)

__all__ = ["aiohttp", "web"]
