"""kubeconfig files: read, checked, merged as kubectl merges them, and one context picked out of them.

This is the format alone. What TLS context and credentials come of it is decided next door in ``auth``.

Merging: of the files in ``KUBECONFIG`` the first to define a name or the current context wins, and missing files are
skipped. The official client's merger was rejected because the *last* current context wins there, so that it would
talk to another cluster than kubectl does; relative paths belong to the directory of the file they stand in.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from autox.core.formats.yamltext import YamlError, read_yaml
from autox.model.errors import ConfigurationError

T = TypeVar("T")


class Cluster(msgspec.Struct, frozen=True, rename="kebab", kw_only=True):
    """How to reach and trust a server."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: bytes = b""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class User(msgspec.Struct, frozen=True, rename="kebab", kw_only=True):
    """How to be let in."""

    client_certificate: str = ""
    client_certificate_data: bytes = b""
    client_key: str = ""
    client_key_data: bytes = b""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    impersonate: str = msgspec.field(default="", name="as")
    impersonate_uid: str = msgspec.field(default="", name="as-uid")
    impersonate_groups: list[str] | None = msgspec.field(default=None, name="as-groups")
    impersonate_extra: dict[str, list[str]] | None = msgspec.field(default=None, name="as-user-extra")
    exec: dict[str, Any] | None = None
    auth_provider: dict[str, Any] | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Which user talks to which cluster."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct, frozen=True):
    name: str
    cluster: dict[str, Any] | None = None


class _NamedUser(msgspec.Struct, frozen=True):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct, frozen=True):
    name: str
    context: Context | None = None


class _Document(msgspec.Struct, frozen=True):
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str | None = msgspec.field(default=None, name="current-context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One context of a kubeconfig with everything it names.

    Attributes:
        origin: ``context "a" of FILE``, for error messages.
        cluster: the cluster, checked.
        raw_cluster: the same as it stands in the file, for credential plugins that ask for it.
        user: the user; an empty one if the context names none.
        namespace: the context's namespace, or ``default``.
        cluster_directory: what relative paths of the cluster are relative to.
        user_directory: what relative paths of the user are relative to.
    """

    origin: str
    cluster: Cluster
    raw_cluster: dict[str, Any]
    user: User
    namespace: str
    cluster_directory: Path
    user_directory: Path

    @property
    def files(self) -> dict[str, str]:
        """The files that it names beside itself, by the field."""
        named = {
            "certificate-authority": self.cluster.certificate_authority,
            "client-certificate": self.user.client_certificate,
            "client-key": self.user.client_key,
            "tokenFile": self.user.token_file,
        }
        return {field: name for field, name in named.items() if name}


def kubeconfig_paths(environ: Mapping[str, str], home: Path) -> list[Path]:
    """The files kubectl would read: the list in ``KUBECONFIG``, or ``~/.kube/config``."""
    listed = [Path(part).expanduser() for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [home / ".kube" / "config"]


def select(paths: list[Path], *, context: str | None) -> Selection:
    """Read and merge the files and pick a context, the current one if none is named.

    Raises:
        ConfigurationError: no file exists, one cannot be read or makes no sense, or a name is not in them.
    """
    documents = [(path, _load(path)) for path in paths if not _is_absent(path)]
    where = os.pathsep.join(str(path) for path in paths)
    if not documents:
        raise ConfigurationError(
            f"no kubeconfig: {where} does not exist",
            hint="Set KUBECONFIG, or name a file, to say which cluster is meant.",
        )
    contexts = _first([(path, item.name, item.context) for path, doc in documents for item in doc.contexts or ()])
    name = context or next((doc.current_context for _, doc in documents if doc.current_context), None)
    known = "The contexts there: " + (", ".join(sorted(contexts)) or "none")
    if name is None:
        raise ConfigurationError(f"{where} has no current context", hint=f"Name one. {known}")
    if name not in contexts:
        raise ConfigurationError(f'no context "{name}" in {where}', hint=known)
    path, chosen = contexts[name]
    chosen = chosen or Context()
    origin = f'context "{name}" of {path}'

    clusters = _first([(path, item.name, item.cluster) for path, doc in documents for item in doc.clusters or ()])
    users = _first([(path, item.name, item.user) for path, doc in documents for item in doc.users or ()])
    if chosen.cluster not in clusters:
        raise ConfigurationError(f'{origin} names cluster "{chosen.cluster}", which is not in {where}')
    # NB: a context without a user is anonymous; one that names a missing user is a mistake.
    if chosen.user and chosen.user not in users:
        raise ConfigurationError(f'{origin} names user "{chosen.user}", which is not in {where}')
    cluster_path, raw_cluster = clusters[chosen.cluster]
    user_path, user = users.get(chosen.user, (path, None))
    return Selection(
        origin=origin,
        cluster=_checked(raw_cluster or {}, Cluster, f'cluster "{chosen.cluster}" of {cluster_path}'),
        raw_cluster=raw_cluster or {},
        user=user or User(),
        namespace=chosen.namespace or "default",
        cluster_directory=cluster_path.parent,
        user_directory=user_path.parent,
    )


def _first(entries: list[tuple[Path, str, T]]) -> dict[str, tuple[Path, T]]:
    found: dict[str, tuple[Path, T]] = {}
    for path, name, value in entries:
        found.setdefault(name, (path, value))
    return found


def _is_absent(path: Path) -> bool:
    # NB: a file that may not be looked at is not absent; reading it tells why.
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def _load(path: Path) -> _Document:
    try:
        parsed = read_yaml(path.read_bytes(), duplicates=True)
    except OSError as error:
        raise ConfigurationError(f"cannot read the kubeconfig {path}: {error.strerror}") from error
    except YamlError as error:
        # NB: YAML errors quote the line they stumbled over, and that line may be a token.
        place = f", line {error.line}" if error.line else ""
        raise ConfigurationError(f"the kubeconfig {path} is not YAML{place}") from None
    return _checked({} if parsed is None else parsed, _Document, f"the kubeconfig {path}")


def _checked(value: Any, kind: type[T], what: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{what} makes no sense: {error}") from error
