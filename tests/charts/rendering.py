"""Rendering the charts by the helm that users have."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.clusters import Done, LocalCluster

ROOT = Path(__file__).parents[2]
AUTOX = str(ROOT / "charts" / "autox")
EXPERIMENT = str(ROOT / "charts" / "experiment")
Object = dict[str, Any]
_RENDERED: dict[tuple[str, ...], str] = {}


def helm(cluster: LocalCluster, *argv: str, values: Object, folder: Path) -> Done:
    """Run helm with values from a file, as a user has them."""
    file = folder / "values.yaml"
    file.write_text(json.dumps(values))
    return cluster.helm(*argv, "--values", str(file))


def rendered(cluster: LocalCluster, chart: str, *argv: str, values: Object, folder: Path) -> list[Object]:
    """What `helm template NAME CHART` renders; what was asked before is answered as it was, and a failure fails."""
    asked = (chart, *argv, json.dumps(values))
    if asked not in _RENDERED:
        done = helm(cluster, "template", "trial", chart, *argv, values=values, folder=folder)
        assert done.code == 0, done.err
        _RENDERED[asked] = done.out
    return [each for each in yaml.load_all(_RENDERED[asked], Loader=yaml.CSafeLoader) if each]


def named(objects: list[Object], kind: str, name: str | None = None, namespace: str | None = None) -> Object:
    """The one object of this kind, name and namespace, each None for any."""
    [found] = [
        each
        for each in objects
        if each["kind"] == kind
        and name in (None, each["metadata"]["name"])
        and namespace in (None, each["metadata"].get("namespace"))
    ]
    return found
