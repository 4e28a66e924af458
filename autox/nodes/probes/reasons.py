"""What an error of the network comes to, in the words every user of Unix knows: "connection refused"."""

import os
import socket
import ssl


def reason(error: Exception) -> str:
    """A few words without addresses, which the sentence around them already has."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return str(error.strerror).lower()
    # NB: asyncio puts the address into strerror ("Connect call failed ('127.0.0.1', 80)"), so the number is read.
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
