"""aiohttp as autox imports it."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import os, ssl
before = dict(os.environ)
import autox.wire.lightly, aiohttp.connector
assert dict(os.environ) == before
for context in (aiohttp.connector._SSL_CONTEXT_VERIFIED, ssl.create_default_context()):
    print(context.cert_store_stats()["x509"])
"""


def test_the_systems_authorities_are_read_only_when_they_are_wanted() -> None:
    """Importing it reads none and leaves the environment as it was; a kubeconfig that wants them gets them."""
    authority = next(path for path in (os.environ.get("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt") if path)
    environ = {**os.environ, "SSL_CERT_FILE": authority}
    told = subprocess.run([sys.executable, "-c", CODE], env=environ, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    read, wanted = map(int, told.stdout.split())
    assert read == 0
    assert wanted > 0 or not Path(authority).exists()
