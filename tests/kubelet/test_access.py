"""Who asks a node, and which right it takes."""

import pytest

from autox.nodes.kubelet.access import Caller, Right, bearer_token, caller_of, right_for


@pytest.mark.parametrize(
    ("path", "subresources"),
    [
        ("/metrics/resource", ("metrics",)),
        ("/metrics", ("metrics",)),
        ("/stats/summary", ("stats",)),
        ("/logs/", ("log",)),
        ("/pods", ("pods", "proxy")),
        ("/runningpods/", ("pods", "proxy")),
        ("/healthz", ("healthz", "proxy")),
        ("/containerLogs/shop/web/app", ("proxy",)),
        ("/exec/shop/web/app", ("proxy",)),
        ("/metricsandmore", ("proxy",)),
        ("//metrics/resource", ("metrics",)),
        ("/", ("proxy",)),
        ("", ("proxy",)),
    ],
)
def test_the_right_that_a_path_takes(path: str, subresources: tuple[str, ...]) -> None:
    """The kubelet's own: what has no subresource of its own takes nodes/proxy."""
    assert right_for("GET", path) == Right(verb="get", subresources=subresources)


@pytest.mark.parametrize(
    ("method", "verb"), [("GET", "get"), ("POST", "create"), ("PUT", "update"), ("DELETE", "delete"), ("HEAD", "head")]
)
def test_the_verb_that_a_method_takes(method: str, verb: str) -> None:
    """As roles name them."""
    assert right_for(method, "/pods").verb == verb


def test_a_certificate_names_a_user_and_groups() -> None:
    """Whoever has one is authenticated."""
    subject = ((("organizationName", "developers"),), (("organizationName", "admins"),), (("commonName", "ann"),))

    assert caller_of({"subject": subject}) == Caller(
        name="ann", groups=("developers", "admins", "system:authenticated")
    )


@pytest.mark.parametrize("certificate", [None, {}, {"subject": ()}, {"subject": ((("organizationName", "a"),),)}])
def test_a_certificate_without_a_name_is_nobodys(certificate: dict[str, object] | None) -> None:
    """Nor is none."""
    assert caller_of(certificate) is None


@pytest.mark.parametrize(
    ("caller", "is_trusted"),
    [
        (Caller(name="kube-apiserver-kubelet-client"), True),
        (Caller(name="ann", groups=("system:masters",)), True),
        (Caller(name="ann", groups=("system:authenticated",)), False),
        (Caller(name="system:masters"), False),
        (Caller(name="ann", groups=("kube-apiserver-kubelet-client",)), False),
    ],
)
def test_the_api_server_and_administrators_are_trusted(caller: Caller, *, is_trusted: bool) -> None:
    """Nobody else is."""
    assert caller.is_trusted is is_trusted


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("", ""),
        ("abc", ""),
        ("Bearer \u00fc", ""),
        ("Bearer \udcff", ""),
    ],
)
def test_the_token_in_a_header(header: str, token: str) -> None:
    """One that is not ASCII is none."""
    assert bearer_token(header) == token
