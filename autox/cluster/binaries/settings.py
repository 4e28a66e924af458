"""Where binaries may be looked for and kept: what the environment and the command line's flags decide."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from autox.model.errors import ConfigurationError, UnsupportedError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An operating system and a processor, named as Go and the release files name them."""

    system: str
    architecture: str

    @classmethod
    def current(cls) -> Self:
        """The platform of this machine."""
        architecture = _ARCHITECTURES.get(platform.machine().lower())
        if architecture is None:
            raise UnsupportedError(
                f"there are no control-plane binaries for the processor {platform.machine() or 'unknown'!r}",
                hint="autox cluster runs on amd64 and arm64",
            )
        return cls(system=platform.system().lower(), architecture=architecture)

    def __str__(self) -> str:
        return f"{self.system}-{self.architecture}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarySettings:
    """Which sources are asked, and with what.

    Attributes:
        directory: the user's own directory of binaries, asked first and taken as it is.
        search_path: directories joined by the system's path separator, as in PATH.
        assets: the directory named by KUBEBUILDER_ASSETS.
        cache: autox's own directory; made when needed. A relative one is taken from the working directory.
        mirror: URL that replaces the official download locations; same layout below it.
        offline: no network at all: no download, and a build only from what Go has on this machine.
    """

    directory: Path | None = None
    search_path: str = ""
    assets: Path | None = None
    cache: Path
    mirror: str | None = None
    offline: bool = False

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        directory: Path | None = None,
        mirror: str | None = None,
        offline: bool = False,
    ) -> Self:
        """Read AUTOX_BINARIES, PATH, KUBEBUILDER_ASSETS, XDG_CACHE_HOME, AUTOX_MIRROR and AUTOX_OFFLINE.

        Args:
            environ: the environment; empty values count as unset.
            directory: a flag that wins over AUTOX_BINARIES.
            mirror: a flag that wins over AUTOX_MIRROR.
            offline: a flag that, like any value of AUTOX_OFFLINE other than 0, false and no, forbids the network.

        Raises:
            ConfigurationError: the mirror is not a plain http or https URL.
        """
        named = environ.get("AUTOX_BINARIES")
        assets = environ.get("KUBEBUILDER_ASSETS")
        return cls(
            directory=(directory or (Path(named) if named else None)),
            search_path=environ.get("PATH", ""),
            assets=Path(assets) if assets else None,
            cache=_cache(environ),
            mirror=_mirror(mirror or environ.get("AUTOX_MIRROR") or None),
            offline=offline or environ.get("AUTOX_OFFLINE", "").lower() not in {"", "0", "false", "no"},
        )


def _cache(environ: Mapping[str, str]) -> Path:
    stated = Path(environ.get("XDG_CACHE_HOME", ""))
    # NB: the XDG specification says that a relative path is to be ignored
    if stated.is_absolute():
        return stated / "autox"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".cache" / "autox"


def _mirror(url: str | None) -> str | None:
    if url is None:
        return None
    hint = "write it like https://mirror.example/kubernetes"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(c.isspace() or not c.isprintable() for c in url) or parts.query or parts.fragment:
        raise ConfigurationError("the mirror is not an http or https URL", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "the mirror's URL holds a user name or password, which would end up in logs", hint=hint
        )
    return url.rstrip("/")
