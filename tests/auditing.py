"""What the identities of autox asked of an API server, read from its audit log, and what of it they should not have.

The roles are right when nothing was refused and nothing was written but what is autox's own: its records, its lease,
its Events, and what Helm installs under the names of its experiments.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clusters import LocalCluster

Event = dict[str, Any]

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # All that service accounts ask for, so that what is refused is seen too; Kubernetes' own controllers aside.
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        # When autox is installed and uninstalled.
        {
            "level": "Metadata",
            "verbs": ["create", "patch", "delete"],
            "resources": [{"group": "apps", "resources": ["deployments"]}],
        },
    ],
}
OWN = {
    ("autox.dev", "experiments"),
    ("autox.dev", "experimentgroups"),
    ("", "events"),
    ("events.k8s.io", "events"),
}
"""Kinds of which nothing is a user's, or which only say something."""
QUESTION = ("authorization.k8s.io", "selfsubjectaccessreviews")
"""What is created and kept nowhere."""
INSTALLED = {
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
}
"""Kinds that are shared with users: of those, only what has the name of an experiment."""
ACCOUNT = "system:serviceaccount:"
CONTROLLER = "autox"
LEASE = ("coordination.k8s.io", "leases", "autox-controller")


@dataclass(frozen=True, slots=True)
class AuditLog:
    """What an API server wrote down.

    Attributes:
        path: one JSON object a line.
    """

    path: Path

    def requests(self, user: str) -> list[Event]:
        """Every request of a service account, in order."""
        return [event for event in self._events() if event["user"]["username"] == user]

    def users(self) -> set[str]:
        """The service accounts that asked for anything."""
        return {event["user"]["username"] for event in self._events()}

    def refused(self) -> list[str]:
        """What a service account asked for and may not have, as ``WHO: VERB WHAT``."""
        return sorted({_told(event) for event in self._events() if event["responseStatus"]["code"] == 403})

    def trespasses(self) -> list[str]:
        """Writes to what is not autox's own, in the same words."""
        experiments = {
            event["objectRef"]["name"]
            for event in self._events()
            if event.get("objectRef", {}).get("resource") == "experiments" and event["objectRef"].get("name")
        }
        return sorted({_told(event) for event in self._events() if not _is_lawful(event, experiments)})

    def _events(self) -> Iterator[Event]:
        """All requests but of a controller that is uninstalled: it ends after its rights."""
        going = ""
        for line in self.path.read_text().splitlines():
            event = json.loads(line)
            user, ref = event["user"]["username"], event.get("objectRef", {})
            if not user.startswith(ACCOUNT):
                if ref.get("name") == CONTROLLER:
                    going = f"{ACCOUNT}{ref['namespace']}:{CONTROLLER}" if event["verb"] == "delete" else ""
            elif user != going:
                yield event


class Audited(LocalCluster):
    """A cluster whose API server writes down what is asked of it, when it is up with these settings."""

    @property
    def audit(self) -> AuditLog:
        """What service accounts asked of it."""
        return AuditLog(self.state / "audit.log")

    def audit_settings(self) -> list[str]:
        """The flags of ``autox cluster up``, whose policy is written beside the log."""
        policy = self.state / "audit-policy.json"
        policy.write_text(json.dumps(POLICY))
        flags = {
            "audit-policy-file": policy,
            "audit-log-path": self.audit.path,
            "audit-log-mode": "blocking-strict",
        }
        return [word for flag, value in flags.items() for word in ("--set", f"apiServer.flags.{flag}={value}")]


def _is_lawful(event: Event, experiments: set[str]) -> bool:
    ref = event.get("objectRef")
    if event["verb"] not in WRITES or not ref:
        return True
    account = event["user"]["username"].rpartition(":")[2]
    kind, name = (ref.get("apiGroup", ""), ref["resource"]), ref.get("name", "")
    if kind == QUESTION:
        return True
    if account in experiments:
        # A runner writes its own verdict and its own result.
        return (kind, name) in {(("autox.dev", "experiments"), account), (("", "secrets"), f"{account}-result")}
    if event["verb"] == "deletecollection":
        return False
    if kind in OWN or (*kind, name) == LEASE:
        return True
    return kind in INSTALLED and any(each in name for each in experiments)


def _told(event: Event) -> str:
    ref = event.get("objectRef", {})
    what = "/".join(ref[key] for key in ("apiGroup", "resource", "namespace", "name", "subresource") if ref.get(key))
    return f"{event['user']['username']}: {event['verb']} {what or event['requestURI']}"
