"""Where each project publishes its release files, and how it publishes their SHA-256. Pure.

A mirror replaces scheme and host of all of them; the paths below it stay the same.
"""

import re
from dataclasses import dataclass

from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.settings import Platform
from autox.cluster.binaries.tools import Tool

_KUBERNETES = "https://dl.k8s.io"
_GITHUB = "https://github.com"
_HELM = "https://get.helm.sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A file to download.

    Attributes:
        url: where it is.
        checksum_url: where its SHA-256 is published.
        member: the name of the program inside the tar archive; None when the file is the program.
    """

    url: str
    checksum_url: str
    member: str | None

    @property
    def filename(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def origin(self) -> str:
        """Scheme and host, to tell which of several servers does not answer."""
        return "/".join(self.url.split("/", 3)[:3])


def release_of(tool: Tool, *, platform: Platform, mirror: str | None = None) -> Release:
    """The release file that holds the pinned version of a tool for a platform.

    Args:
        tool: which program.
        platform: the system and architecture that it is to run on.
        mirror: URL in place of each project's scheme and host; None for the official locations.
    """
    version = pinned(tool)
    match tool:
        case Tool.ETCD:
            folder = f"{_root(_GITHUB, mirror)}/etcd-io/etcd/releases/download/{version}"
            name = f"etcd-{version}-{platform}"
            return Release(url=f"{folder}/{name}.tar.gz", checksum_url=f"{folder}/SHA256SUMS", member=f"{name}/etcd")
        case Tool.HELM:
            url = f"{_root(_HELM, mirror)}/helm-{version}-{platform}.tar.gz"
            return Release(url=url, checksum_url=f"{url}.sha256sum", member=f"{platform}/helm")
        case Tool.COREDNS:
            folder = f"{_root(_GITHUB, mirror)}/coredns/coredns/releases/download/{version}"
            name = f"coredns_{version.removeprefix('v')}_{platform.system}_{platform.architecture}.tgz"
            return Release(url=f"{folder}/{name}", checksum_url=f"{folder}/{name}.sha256", member="coredns")
        case _:
            folder = f"{_root(_KUBERNETES, mirror)}/release/{version}/bin"
            url = f"{folder}/{platform.system}/{platform.architecture}/{tool}"
            return Release(url=url, checksum_url=f"{url}.sha256", member=None)


def _root(official: str, mirror: str | None) -> str:
    return official if mirror is None else mirror


def published_sum(text: str, filename: str) -> str | None:
    """The SHA-256 of a file in a published list: a bare sum, or lines of sum and file name.

    Returns:
        64 lower-case hexadecimal digits; None when the text states no sum for this file.
    """
    if re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", text):
        return text.strip().lower()
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-fA-F]{64})[ \t]+\*?(\S+)\s*", line)
        if match and match[2].rpartition("/")[2] == filename:
            return match[1].lower()
    return None
