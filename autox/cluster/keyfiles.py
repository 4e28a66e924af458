"""Where the keys and certificates of a cluster are: their paths alone, for whoever does not make them (``pki``)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The directory of keys and certificates."""

    directory: Path

    def certificate(self, file: str) -> Path:
        """Path of a certificate, PEM."""
        return self.directory / f"{file}.crt"

    def key(self, file: str) -> Path:
        """Path of a private key, PEM."""
        return self.directory / f"{file}.key"
