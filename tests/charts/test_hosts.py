"""The host of a URL is one thing: the chart grants the Service that the load generator asks for."""

import json
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from autox.api.http import HttpSection
from autox.model.errors import ConfigurationError
from autox.tasks.resolving import service_of
from autox.wire.urls import Url, parse_url
from tests.charts.rendering import EXPERIMENT
from tests.yaml_reading.helm import Helm

pytestmark = pytest.mark.integration

OWN = "apps"
URLS = (
    "http://httpbin.apps/get",
    "http://HttpBin.apps/get",
    "HTTP://HTTPBIN.Apps.SVC.cluster.LOCAL./get",
    "http://httpbin.apps.svc.cluster.local.:80/get",
    "http://httpbin.:8080/get?a=1#b",
    "https://me:p%40ss@httpbin.apps.svc:443/%zz",
    "http://me:p^:ss@HTTPBIN/",
    "http://httpbin:/",
    "http://httpbin..apps/",
    "http://httpbin.apps../",
    "http://2048.apps/",
    "http://httpbin.other/get",
    "http://httpbin.apps.example.com/",
    "http://httpbin?x=http://other.apps/",
    "http://httpbin#@other.apps/",
    "http://httpbin/@other.apps",
    "http://[::1]:80/",
    "http://127.0.0.1/",
    "http://a_b.apps/",
    "http://-a.apps/",
)
_TEMPLATE = (
    "{{- range .Values.urls }}\n"
    '# {{ list (include "experiment.host" (dict "url" .)) '
    '(include "experiment.service" (dict "url" . "namespace" $.Values.own)) | toRawJson }}\n{{- end }}\n'
)


def generated() -> list[str]:
    """URLs of every spelling."""
    draw = random.Random(13)  # noqa: S311  - no secret
    labels = (
        "httpbin",
        "HttpBin",
        OWN,
        OWN.upper(),
        "svc",
        "SVC",
        "cluster",
        "local",
        "other",
        "x-1",
        "1x",
        "-",
        "_",
        "",
    )
    made = []
    for _ in range(1500):
        host = ".".join(draw.choices(labels, k=draw.randint(1, 5)))
        if draw.random() < 0.5:
            name = [draw.choice(labels[:2]), draw.choice(labels[2:4]), draw.choice(labels[4:6]), "Cluster", "local"]
            host = ".".join(name[: draw.choice((1, 2, 3, 5))])
        made.append(
            "".join(
                draw.choice(part)
                for part in (
                    ("http://", "HTTPS://"),
                    ("", "", "me@", "me:p%20:w@", ":@"),
                    (host, f"{host}."),
                    ("", ":80", ":8080", ":", ":0080"),
                    ("", "/", "/a@b:1/c", "?q=a.b@c:1", "#f@g:2", "/%zz?x=/y"),
                )
            )
        )
    return made


def read(text: str) -> Url | None:
    """The URL, if task ``http`` takes it."""
    try:
        return parse_url(HttpSection(url=text).url)
    except (ValidationError, ConfigurationError):
        return None


def test_the_chart_and_the_load_generator_read_the_same_host(tmp_path: Path) -> None:
    """Case 08: ``HttpBin`` and a final dot were granted nothing, and the runner was forbidden to read the Service."""
    helm = Helm(tmp_path / "chart")
    rules = Path(EXPERIMENT) / "templates" / "_rules.tpl"
    (tmp_path / "chart" / "templates" / "_rules.tpl").write_text(rules.read_text())
    urls = {text: url for text in dict.fromkeys((*URLS, *generated())) if (url := read(text))}
    answers = helm.rendered(json.dumps({"urls": list(urls), "own": OWN}), _TEMPLATE)

    assert len(urls) > len(URLS)
    differing = {}
    granted = 0
    for (text, url), (host, service) in zip(urls.items(), answers, strict=True):
        asked = service_of(url, namespace=OWN)
        wanted = asked[1] if asked and asked[0] == OWN else ""
        granted += bool(wanted)
        if (host.strip("[]"), service) != (url.name, wanted):
            differing[text] = host, service, url.name, wanted
    assert differing == {}
    assert granted > len(urls) / 10
