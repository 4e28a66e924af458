"""The objects of a cluster under test, asked for in the words of kubectl, but without starting it.

What users type is typed by tests as well (``LocalCluster.kubectl``). This sets scenes and looks at what became of them,
again and again, and a start of a program costs more than all else that a look needs.
"""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from autox.kube.auth import from_kubeconfig

Object = dict[str, Any]
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SERVER_SIDE_APPLY = "application/apply-patch+yaml"  # of which JSON is a part
SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A resource that the API server has.

    Attributes:
        prefix: of its paths, as ``/apis/apps/v1``.
        plural: its name in paths.
        kind: of its objects.
        words: what it is called on a command line, in small letters.
        is_namespaced: whether its objects are in namespaces.
    """

    prefix: str
    plural: str
    kind: str
    words: frozenset[str]
    is_namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Of all of a namespace, or of one; without a namespace of all there are."""
        within = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        return f"{self.prefix}{within}/{self.plural}{f'/{quote(name)}' if name else ''}"


class Objects:
    """What a kubeconfig leads to, which is read each time, since clusters are made anew."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._read = b""
        self._served: list[Served] = []

    def get(self, *argv: str) -> Object:
        """What ``kubectl get ARGV… -o json`` prints; what is refused or not there fails the test."""
        words, flags = _parsed(argv)
        namespace = "" if "all-namespaces" in flags else flags.get("namespace", "default")
        chosen = {each: flags[option] for option, each in _SELECTORS.items() if option in flags}
        what, *names = words[0].split("/") + words[1:]
        if names:
            [name] = names
            found: Object = self._ask("GET", self._find(what).path(namespace, name))
            return found
        listed: list[Object] = []
        for each in what.split(","):
            served = self._find(each)
            answer = self._ask("GET", f"{served.path(namespace)}?{urlencode(chosen)}")
            kind = {"apiVersion": answer["apiVersion"], "kind": served.kind}
            listed += [kind | item for item in answer["items"]]
        return {"apiVersion": "v1", "kind": "List", "items": listed}

    def apply(self, *objects: Object) -> None:
        """Make objects be as these say, whoever has said otherwise; what is refused fails the test."""
        for each in objects:
            group, _, version = each["apiVersion"].rpartition("/")
            prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
            served = self._find(each["kind"].lower(), prefix)
            path = served.path(each["metadata"].get("namespace", "default"), each["metadata"]["name"])
            query = urlencode({"fieldManager": "tests", "force": "true", "fieldValidation": "Strict"})
            self._ask("PATCH", f"{path}?{query}", each, SERVER_SIDE_APPLY)

    def _find(self, word: str, prefix: str = "") -> Served:
        """A resource by a word for it; one that was not there a moment ago may be now, or in a moment."""
        if (now := self._kubeconfig.read_bytes()) != self._read:
            self._read, self._served = now, []
        for attempt in range(20):
            time.sleep(0.25 if attempt > 1 else 0.0)
            for each in self._served:
                if word in each.words and prefix in ("", each.prefix):
                    return each
            self._served = [
                served
                for root in ("/api", "/apis")
                for group in self._ask("GET", root, accept=DISCOVERY)["items"]
                for version in group["versions"]
                for served in _served(group["metadata"].get("name", ""), version)
            ]
        raise AssertionError(f"the server has no resource {word!r} {prefix}")

    def _ask(self, method: str, path: str, body: Object | None = None, kind: str = "", accept: str = "") -> Any:
        headers = {"Accept": accept or "application/json", **({"Content-Type": kind} if kind else {})}
        text = None if body is None else json.dumps(body)
        connection = from_kubeconfig(self._kubeconfig)
        url = urlsplit(connection.server)
        assert url.hostname
        # NB: a connection that is kept would keep the server's address from the next cluster.
        with closing(HTTPSConnection(url.hostname, url.port, context=connection.tls, timeout=SECONDS)) as http:
            http.request(method, f"{url.path}{path}", body=text, headers=headers)
            answer = http.getresponse()
            said = json.loads(answer.read())
        assert answer.status < 300, f"{method} {path}: {answer.status} {said.get('message')}"
        return said


_SELECTORS = {"selector": "labelSelector", "field-selector": "fieldSelector"}
_LONG = {"-n": "namespace", "-l": "selector", "-A": "all-namespaces"}


def _parsed(argv: tuple[str, ...]) -> tuple[list[str], Mapping[str, str]]:
    """The words and the flags of a command line of kubectl get."""
    words: list[str] = []
    flags: dict[str, str] = {}
    rest = iter(argv)
    for each in rest:
        if not each.startswith("-"):
            words.append(each)
            continue
        name, is_set, value = _LONG.get(each, each.removeprefix("--")).partition("=")
        assert name in {*_SELECTORS, "namespace", "all-namespaces"}, f"no such flag here: {each}"
        flags[name] = value if is_set or name == "all-namespaces" else next(rest)
    return words, flags


def _served(name: str, version: Object) -> list[Served]:
    """The resources of a group in one of its versions, of which the preferred one comes first."""
    prefix = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
    found = []
    for each in version["resources"]:
        plain = {each["resource"], each.get("singularResource", ""), each["responseKind"]["kind"].lower()}
        words = {*plain, *each.get("shortNames", ()), *(f"{word}.{name}" for word in plain if name)} - {""}
        found.append(
            Served(
                prefix=prefix,
                plural=each["resource"],
                kind=each["responseKind"]["kind"],
                words=frozenset(words),
                is_namespaced=each["scope"] == "Namespaced",
            )
        )
    return found
