"""A chart that can be broken in every way by its values, and a place to install it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autox.adapters.helm import HelmReleases
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.groups import ChartRef
from autox.model.labels import EXPERIMENT, GROUP, GROUP_NAMESPACE
from autox.model.refs import SECRETS

CHART = ChartRef(name="experiment")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""When the record of an experiment was made, before anything else happened."""

_TEMPLATE = """\
{{- if .Values.fail }}{{ fail (printf "no url but %v" .Values.fail) }}{{ end }}
{{- if .Values.nothing }}{{ .Values.no.such.value }}{{ end }}
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData: {experiment.yaml: {{ toJson .Values | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-result, annotations: {helm.sh/resource-policy: keep}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
spec:
  backoffLimit: 0
  {{- if .Values.unknown }}
  {{ .Values.unknown }}: 1
  {{- end }}
  template:
    spec:
      restartPolicy: {{ .Values.restartPolicy | default "Never" }}
      containers: [{name: main, image: busybox, command: [/bin/true]}]
"""
_SCHEMA = {"type": "object", "properties": {"qps": {"type": "number", "exclusiveMinimum": 0}}}


def write_chart(directory: Path, *, name: str = "experiment", version: str = "0.1.0") -> Path:
    """Write the chart into a directory that does not exist yet."""
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    (directory / "values.schema.json").write_text(json.dumps(_SCHEMA))
    (directory / "templates" / "all.yaml").write_text(_TEMPLATE)
    return directory


def labels_of(name: str) -> dict[str, str]:
    """The labels that the controller gives to a release."""
    return {EXPERIMENT: name, GROUP_NAMESPACE: "team", GROUP: "web"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Releases, and the namespace that they are made in."""

    kube: KubeClient
    namespace: str
    releases: HelmReleases

    async def install(
        self,
        name: str,
        *,
        chart: ChartRef = CHART,
        values: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        since: datetime = LONG_AGO,
    ) -> str:
        """Install a release, labelled as the controller labels it unless other labels are given."""
        return await self.releases.install(
            name,
            namespace=self.namespace,
            chart=chart,
            values=values or {},
            labels=labels or labels_of(name),
            since=since,
        )

    async def uninstall(self, name: str) -> str:
        """Uninstall a release."""
        return await self.releases.uninstall(name, namespace=self.namespace)

    async def secrets(self) -> dict[str, Object]:
        """The Secrets of the namespace by name, helm's storage among them."""
        found = await self.kube.list(SECRETS, namespace=self.namespace)
        return {metadata(secret)["name"]: secret for secret in found.items}

    async def storage_labels(self, name: str) -> dict[str, str]:
        """The labels of helm's storage of a release."""
        secret = await self.kube.get_metadata(SECRETS, storage(name), namespace=self.namespace)
        labels: dict[str, str] = metadata(secret)["labels"]
        return labels

    async def set_storage_labels(self, name: str, **labels: str) -> None:
        """Change labels of helm's storage of a release, as a helm that was interrupted would have left them."""
        change = {"metadata": {"labels": labels}}
        await self.kube.patch(SECRETS, storage(name), change, namespace=self.namespace)


def storage(name: str) -> str:
    """The name of the Secret in which helm keeps the first revision of a release."""
    return f"sh.helm.release.v1.{name}.v1"
