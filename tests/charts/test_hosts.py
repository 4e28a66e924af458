"""The host of a URL is one thing: the chart grants the Service that the load generator asks for."""

import json
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from autox.api.tasks.http import HttpSection
from autox.api.tasks.table import targets_of
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
    "http://[::FFFF:127.0.0.1]/",
    "http://httpbin:000080/",
    "http://httpbin.2024/",
    "http://bücher.apps/",
    "http://BÜCHER.example/",
    "http://xn--a.apps/",
    "http://XN--BCHER-KVA.example/",
    "http://u%40v:@httpbin/",
)
_TEMPLATE = (
    "{{- range .Values.urls }}\n"
    '# {{ list (include "experiment.host" (dict "url" .)) '
    '(include "experiment.service" (dict "url" . "namespace" $.Values.own)) | toRawJson }}\n{{- end }}\n'
)


REFUSED = (
    "http://\N{FULLWIDTH LATIN SMALL LETTER E}xample.com/",
    "http://\N{FULLWIDTH LATIN SMALL LETTER H}ttpbin.apps/",
    "http://httpbin\N{IDEOGRAPHIC FULL STOP}apps/",
    "http://straße.example/",
    "http://\N{KELVIN SIGN}ettle.apps/",
    "http://xn--ü.apps/",
    "http://\N{FULLWIDTH LATIN SMALL LETTER B}ücher.apps/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.01:80/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1]x/",
    "http://[v1.apps]/",
    "http://[1::2::3]/",
    "http://httpbin../",
    "http://httpbin.apps../",
    "http://httpbin..apps/",
    "http://.httpbin/",
    "http://./",
    "http://httpbin%2eapps/",
    "http://httpbin\\@apps/",
    "http://me@httpbin\\/",
    "http://httpbin: 80/",
    "http://httpbin:8_0/",
    "http://httpbin:\N{ARABIC-INDIC DIGIT EIGHT}/",
    "http://httpbin,apps/",
)
"""What two programs read as two hosts, or one of them as none."""


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
        if service != wanted or (":" not in url.name and "xn--" not in url.name and host != url.name):
            differing[text] = host, service, url.name, wanted
    assert differing == {}
    assert granted > len(urls) / 10


@pytest.mark.parametrize("text", REFUSED)
def test_a_host_of_two_readings_is_refused(text: str) -> None:
    """A name in wide letters was a Service that no role granted, and ``0177.0.0.1`` was 127.0.0.1."""
    with pytest.raises(ValidationError, match=r"ASCII|makes no sense|read differently|no IPv6 address|must be a URL"):
        HttpSection(url=text)
    with pytest.raises(ConfigurationError):
        parse_url(text)


def test_helm_says_so(tmp_path: Path) -> None:
    """What a pattern can tell is told by ``helm install``, and not by the Job."""
    helm = Helm(tmp_path / "chart")
    (tmp_path / "chart" / "values.schema.json").write_text((Path(EXPERIMENT) / "values.schema.json").read_text())
    values = {"tasks": ["http"], "runner": "job", "http": {"url": "http://httpbin%2eapps/"}}

    with pytest.raises(AssertionError, match="must be 'a URL"):
        helm.rendered(json.dumps(values, ensure_ascii=False), "")


@pytest.mark.parametrize(
    "spelling", ["[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[0:0:0:0:0:FFFF:127.0.0.1]", "127.0.0.1."]
)
def test_one_target_in_all_spellings(spelling: str) -> None:
    """Two experiments that load one address say so, however each writes it."""
    values = {"tasks": ["http"], "http": {"url": f"http://{spelling}/x"}}

    assert targets_of(values, namespace=OWN) == ("127.0.0.1:80",)
