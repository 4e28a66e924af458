"""What Helm makes of texts: hundreds in one call of a throw-away chart."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool

_CHART = "apiVersion: v2\nname: reading\nversion: 0.0.1\n"
_ANSWERS = "{{- range .Values.texts }}\n# {{ fromYaml . | toRawJson }}\n{{- end }}\n"
_WHOLE = "# {{ omit .Values.AsMap `global` | toRawJson }}\n"
REFUSED = object()
"""What stands for a text that is refused."""


class Helm:
    """A throw-away chart, and the helm that users have."""

    def __init__(self, folder: Path) -> None:
        settings = BinarySettings.from_environment(os.environ)
        self._helm = provide([Tool.HELM], settings=settings, progress=Silent())[Tool.HELM].path
        self._folder = folder
        (folder / "templates").mkdir(parents=True)
        (folder / "Chart.yaml").write_text(_CHART)

    def maps(self, texts: Sequence[str]) -> list[Any]:
        """What each text is to the function that reads files of values; ``REFUSED`` where it is no map."""
        answers = self.rendered(json.dumps({"texts": list(texts)}, ensure_ascii=False), _ANSWERS)
        assert len(answers) == len(texts)
        return [REFUSED if set(answer) == {"Error"} else answer for answer in answers]

    def values(self, text: str) -> Any:
        """What a file of values is."""
        return self.rendered(text, _WHOLE)[0]

    def rendered(self, values: str, template: str) -> list[Any]:
        """What a template makes of a file of values: each line that is ``#`` and JSON."""
        (self._folder / "templates" / "answers.yaml").write_text(template)
        file = self._folder / "values.yaml.given"
        file.write_text(values)
        argv = [str(self._helm), "template", "x", str(self._folder), "--values", str(file)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith(("# {", "# ["))]


def alike(value: Any) -> Any:
    """A value with all numbers as floats, for that is what Helm has."""
    if isinstance(value, dict):
        return {key: alike(each) for key, each in value.items()}
    if isinstance(value, list):
        return [alike(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
