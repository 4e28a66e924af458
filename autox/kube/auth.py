"""From a kubeconfig or a pod's service account to a ``Connection``.

Files are parsed next door (``kubeconfig``), certificates loaded in ``tls``; here it is decided who we are.
Certificates, tokens, token files, passwords and impersonation need nothing but the standard library, so that the
official client, whose import costs 0.3 s, is loaded only where a user has an exec plugin: the plugin runs through
the official client's ``ExecProvider``, the part of its loader that speaks the plugin protocol.
(``load_kube_config`` around it was rejected: it logs a plugin's failure and goes on without credentials, and leaves
private keys in temporary files.)

As in client-go, credentials are sent over TLS only, and a certificate authority together with
``insecure-skip-tls-verify`` is an error. ``auth-provider`` entries, which Kubernetes replaced by exec plugins in
1.26, are refused in so many words, not ignored.
"""

import base64
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from autox.kube.connection import Connection, Credentials, FixedCredentials, Headers, Source
from autox.kube.credentials import PluginAnswer, PluginCredentials, TokenFile, bearer
from autox.kube.kubeconfig import Selection, User, kubeconfig_paths, select
from autox.kube.tls import cluster_tls, install, load_client_certificate, read_file, trusting
from autox.model.errors import ConfigurationError, UnsupportedError
from autox.wire.tunnel import parse_proxy

SERVICE_ACCOUNT_DIRECTORY = "var/run/secrets/kubernetes.io/serviceaccount"


def from_kubeconfig(
    path: Path | None = None,
    *,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
    allow_exec: bool = True,
    allow_files: bool = True,
) -> Connection:
    """The connection of a kubeconfig's context.

    Args:
        path: the file; None for the files in ``KUBECONFIG``, merged as kubectl does, or ``~/.kube/config``.
        context: the context; None for the current one.
        environ: where ``KUBECONFIG`` is looked up.
        allow_exec: whether it may run a credential plugin: one's own kubeconfig may, and one that somebody else put
            into a Secret may not, for whoever may write that Secret could run any program where it is read.
        allow_files: whether it may name files. One that somebody else put into a Secret may not: they would be files of
            whoever reads it, and its own token would go to a server of that somebody's choice.

    Raises:
        ConfigurationError: a file is missing, unreadable or contradictory; the message names file and context. Or it
            has a credential plugin or names a file, and may not.
        UnsupportedError: the context needs something that autox does not offer.
    """
    paths = [path] if path is not None else kubeconfig_paths(environ, Path.home())
    chosen = select(paths, context=context)
    if chosen.user.exec is not None and not allow_exec:
        raise ConfigurationError(
            f"{chosen.origin} would run a program for its credentials, and a kubeconfig from a Secret may not",
            hint="Give it a token or a client certificate, or set allowExec: true if you trust whoever may write it.",
        )
    if chosen.files and not allow_files:
        names = ", ".join(f"{field} {name}" for field, name in chosen.files.items())
        raise ConfigurationError(
            f"{chosen.origin} would read files of whoever uses it ({names}), and a kubeconfig from a Secret may not",
            hint="Put what stands in them into it, as `kubectl config view --minify --flatten` does,"
            " or set allowExec: true if you trust whoever may write it.",
        )
    cluster, user, origin = chosen.cluster, chosen.user, chosen.origin
    server = _server(cluster.server, origin)
    source = Source(kubeconfigs=tuple(each.absolute() for each in paths), context=context)
    proxy = _proxy(cluster.proxy_url, origin)
    if not server.startswith("https://"):
        return Connection(server=server, origin=origin, namespace=chosen.namespace, proxy=proxy, source=source)
    tls = cluster_tls(cluster, chosen.cluster_directory, origin)
    load_client_certificate(tls, user, chosen.user_directory, origin)
    return Connection(
        server=server,
        origin=origin,
        namespace=chosen.namespace,
        tls=tls,
        server_hostname=cluster.tls_server_name or None,
        proxy=proxy,
        credentials=_credentials(chosen, tls),
        source=source,
    )


def in_cluster(environ: Mapping[str, str]) -> Connection:
    """The connection of the pod that this process runs in, with its service account's token as it rotates.

    ``CONTAINER_SANDBOX_MOUNT_POINT`` is put before the path of the token, as Windows HostProcess containers and our
    own process node have it, where there is no mount namespace.

    Raises:
        ConfigurationError: this is no pod, or it has no service account token.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise ConfigurationError(
            "this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
            hint="Outside a cluster, name a kubeconfig.",
        )
    directory = Path(environ.get("CONTAINER_SANDBOX_MOUNT_POINT") or "/") / SERVICE_ACCOUNT_DIRECTORY
    if not (directory / "token").is_file():
        raise ConfigurationError(
            f"no service account token at {directory / 'token'}",
            hint="Does the pod set automountServiceAccountToken: false?",
        )
    origin = f"the service account in {directory}"
    tls = trusting(read_file(directory / "ca.crt", origin), origin)
    namespace = directory / "namespace"
    return Connection(
        server=_server(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}", origin),
        origin=origin,
        namespace=read_file(namespace, origin).decode(errors="replace").strip() if namespace.is_file() else "default",
        tls=tls,
        credentials=TokenFile(directory / "token"),
        source=Source(service_account=directory.absolute()),
    )


def _server(url: str, origin: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    # NB: credentials inside the URL would end up in every error message; kubeconfig has fields for them.
    if not sound or parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{origin}: the server is not a plain http:// or https:// URL", hint="It looks like https://10.0.0.1:6443."
        )
    return url.rstrip("/")


def _proxy(url: str, origin: str) -> str | None:
    if not url:
        return None
    try:
        parse_proxy(url)
    except (UnsupportedError, ConfigurationError) as error:
        raise type(error)(f"{origin}: {error.message}", hint=error.hint) from None
    return url


def _credentials(chosen: Selection, tls: ssl.SSLContext) -> Credentials:
    user, extra = chosen.user, _impersonation(chosen.user, chosen.origin)
    if user.auth_provider is not None:
        raise UnsupportedError(
            f"{chosen.origin}: autox does not run auth-provider entries",
            hint="Use an exec plugin instead, for OpenID Connect for example kubelogin.",
        )
    if user.token_file:
        return TokenFile(chosen.user_directory / user.token_file, extra=extra, fallback=user.token)
    if user.token:
        return FixedCredentials(fixed=bearer(user.token, what=f"the token of {chosen.origin}") + extra)
    if user.exec is not None:
        what = f'the credential plugin "{user.exec.get("command", "")}" of {chosen.origin}'
        return PluginCredentials(
            lambda: _run_plugin(chosen, what),
            install=lambda pair: install(tls, pair[0].encode(), pair[1].encode(), what),
            what=what,
            extra=extra,
        )
    if user.username:
        basic = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        return FixedCredentials(fixed=(("Authorization", f"Basic {basic}"), *extra))
    return FixedCredentials(fixed=extra)


def _impersonation(user: User, origin: str) -> Headers:
    pairs = [("Impersonate-User", user.impersonate), ("Impersonate-Uid", user.impersonate_uid)]
    pairs += [("Impersonate-Group", group) for group in user.impersonate_groups or ()]
    pairs += [
        (f"Impersonate-Extra-{quote(key.lower(), safe='')}", value)
        for key, values in (user.impersonate_extra or {}).items()
        for value in values
    ]
    headers = tuple((name, value) for name, value in pairs if value)
    if not all(value.isprintable() for _, value in headers):
        raise ConfigurationError(f"{origin}: what stands in as, as-uid, as-groups or as-user-extra cannot be sent")
    if headers and not user.impersonate:
        raise ConfigurationError(f"{origin}: as-uid, as-groups and as-user-extra need as")
    return headers


def _run_plugin(chosen: Selection, what: str) -> PluginAnswer:
    # Imported here because it costs 0.3 s that only users of plugins should pay.
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415  - see above
    from kubernetes.config.exec_provider import ExecProvider  # noqa: PLC0415  - see above
    from kubernetes.config.kube_config import ConfigNode  # noqa: PLC0415  - see above

    recipe = chosen.user.exec or {}
    hint = str(recipe.get("installHint") or "Run it by hand to see what it says.")
    try:
        status = ExecProvider(
            ConfigNode("exec", recipe), str(chosen.cluster_directory), ConfigNode("cluster", chosen.raw_cluster)
        ).run()
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be run: {error.strerror}", hint=hint) from error
    except ConfigException as error:
        raise ConfigurationError(f"{what} failed: {error}", hint=hint) from error
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        # NB: the official client checks neither its recipe nor the plugin's answer; both may be anything.
        raise ConfigurationError(f"{what} or its entry makes no sense", hint=hint) from error
    return _plugin_answer(status, what)


def _plugin_answer(status: Any, what: str) -> PluginAnswer:
    fields = status if isinstance(status, dict) else {}
    token, certificate, key, expires = (
        fields.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
    )
    try:
        moment = datetime.fromisoformat(expires) if expires else None
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{what} gave an expirationTimestamp that is no time") from error
    if not all(isinstance(value, str) for value in (token, certificate, key)) or not (token or (certificate and key)):
        raise ConfigurationError(f"{what} gave neither a token nor a client certificate with its key")
    return PluginAnswer(
        token=token,
        certificate=(certificate, key) if certificate and key else None,
        expires=moment.replace(tzinfo=moment.tzinfo or UTC) if moment is not None else None,
    )
