"""The certificates are those of the tests of load."""

from tests.load.conftest import tls

__all__ = ["tls"]
