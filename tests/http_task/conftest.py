"""The certificates are those of the tests of load, and of somebody else."""

import pytest

from tests.load.conftest import Tls, certificates, tls

__all__ = ["tls"]


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Both sides of TLS, of another authority."""
    return certificates(tmp_path_factory.mktemp("others"))
