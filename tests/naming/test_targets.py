"""What an experiment loads is named alike, however its URL is written."""

from typing import Any

import pytest

from autox.api.tasks.table import targets_of
from autox.core.formats.hosts import target_label


def http(url: Any) -> tuple[str, ...]:
    """What this URL loads, from namespace shop."""
    return targets_of({"tasks": ["http"], "http": {"url": url}}, namespace="shop")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://web/get", "http://web.shop.svc.cluster.local:80/other"),
        ("http://WEB.shop", "http://web.shop.svc/"),
        ("http://web.shop.", "http://web"),
        ("https://www.example.com/a", "https://WWW.example.com.:443/b?c=d"),
        ("http://user:secret@10.0.0.1:80/", "http://10.0.0.1/x"),
        ("http://[::1]:8080/", "http://[::1]:8080/x"),
    ],
)
def test_one_target_by_many_names(one: str, other: str) -> None:
    """Two experiments that load it know of each other."""
    assert http(one) == http(other) != ()
    assert "secret" not in http(one)[0]


def test_other_targets_are_other_ones() -> None:
    """Another host, another port outside the cluster, another namespace, another cluster."""
    urls = (
        "http://web",
        "http://web.other",
        "http://api",
        "http://localhost:1",
        "http://localhost:2",
        "http://1.2.3.4",
    )
    assert len({http(url) for url in urls}) == len(urls)
    assert len({target_label(http(url)[0]) for url in urls}) == len(urls)


def test_clusters_under_test() -> None:
    """A load test of a control plane loads that, and one experiment may load two things."""
    values: dict[str, Any] = {"tasks": ["density"], "density": {"kubeconfigSecret": "b"}}
    assert targets_of(values, namespace="shop") == ("cluster/shop/b",)
    assert targets_of({"tasks": ["density"], "density": {"cluster": "b"}}, namespace="shop") == ("cluster/b",)
    both = {**values, "tasks": ["http", "density"], "http": {"url": "http://web"}}
    assert targets_of(both, namespace="shop") == ("service/shop/web", "cluster/shop/b")


@pytest.mark.parametrize("values", [{}, {"tasks": "http"}, {"tasks": ["ready"]}, {"tasks": ["http"], "http": None}])
def test_nothing_is_loaded(values: dict[str, Any]) -> None:
    """Or nobody knows what, as with a foreign chart."""
    assert targets_of(values, namespace="shop") == ()
    assert http("http://[bad") == http("nothing") == http(5) == ()
