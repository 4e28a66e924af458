"""What helm complains of becomes an error that says whether to try again, in one line without values."""

import base64

import pytest

from autox.adapters.helm_errors import TEXT_LIMIT, cleaned, error_from
from autox.model.errors import AutoxError, ConfigurationError, ForbiddenError, NotOursError, TransientError

FAILED = "Error: INSTALLATION FAILED: "


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        (
            'kubernetes cluster unreachable: Get "https://10.0.0.1/version": dial tcp 10.0.0.1:443: i/o timeout',
            TransientError,
        ),
        ("kubernetes cluster unreachable: the server has asked for the client to provide credentials", TransientError),
        ("another operation (install/upgrade/rollback) is in progress", TransientError),
        ("create: failed to create: etcdserver: request timed out", TransientError),
        ('Internal error occurred: failed calling webhook "x.example.com": no endpoints available', TransientError),
        ("the server is currently unable to handle the request", TransientError),
        ("client rate limiter Wait returned an error: context deadline exceeded", TransientError),
        ("failed to fetch https://charts.example/index.yaml : 503 Service Unavailable", TransientError),
        ('Patch "https://10.0.0.1/x": http2: client connection lost', TransientError),
        ('unexpected EOF while reading "https://charts.example/load-1.0.0.tgz"', TransientError),
        ("failed to fetch https://charts.example/index.yaml : 404 Not Found", ConfigurationError),
        ("execution error at (x/templates/a.yaml:1:2): connection refused by its author", ConfigurationError),
        ("chart requires kubeVersion: >=99 which is incompatible with Kubernetes v1.36.3", ConfigurationError),
        ("cannot load values.yaml: error converting YAML to JSON: yaml: line 3: oops", ConfigurationError),
        ("something that no one has ever seen", ConfigurationError),
        ('jobs.batch is forbidden: User "robin" cannot create resource "jobs"', ForbiddenError),
        ('roles "x" is forbidden: user "robin" is attempting to grant RBAC permissions not held', ForbiddenError),
        ('Secret "x" in namespace "y" exists and cannot be imported into the current release: bad', NotOursError),
    ],
)
def test_a_complaint_says_whether_to_try_again(complaint: str, kind: type[AutoxError]) -> None:
    """What may pass is transient; what somebody must change is not."""
    error = error_from(FAILED + complaint, code=1, what="helm install web-1", values={})

    assert type(error) is kind
    assert error.message == f"helm install web-1: {complaint}"


def test_a_quota_is_no_matter_of_roles() -> None:
    """The hint does not send people to the wrong place."""
    over = error_from('pods "x" is forbidden: exceeded quota: pods', code=1, what="helm", values={})

    assert isinstance(over, ForbiddenError)
    assert over.hint == ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("tok-5f2c9e7a1b", id="as it is"),
        pytest.param(base64.b64encode(b"tok-5f2c9e7a1b").decode(), id="as Secrets hold it"),
        pytest.param("first line", id="one line of a text"),
        pytest.param("1234567890", id="a number"),
    ],
)
def test_no_value_is_shown(text: str) -> None:
    """Wherever it stands in the values, and in whatever form a chart has put it into its objects."""
    values = {"deep": [{"token": "tok-5f2c9e7a1b"}, {"key": "first line\nsecond line\n"}], "pin": 1234567890}

    assert cleaned(f"{FAILED}cannot parse [{text}] here", values=values) == "cannot parse [***] here"


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        ('spec.x: Invalid value: "hunter2": too short', "spec.x: Invalid value: ***: too short"),
        (r'spec.x: Invalid value: "a \"b\" c": no', "spec.x: Invalid value: ***: no"),
        ('spec: Unsupported value: "x": supported values: "A"', 'spec: Unsupported value: ***: supported values: "A"'),
        ('spec.y: Duplicate value: {"name":"x"}', "spec.y: Duplicate value: ***"),
        ("spec.n: Invalid value: -1: must be positive", "spec.n: Invalid value: ***: must be positive"),
    ],
)
def test_what_the_api_server_repeats_is_struck_out(refusal: str, shown: str) -> None:
    """A value made by a template is not among those that we gave, and may hold one of them."""
    assert cleaned(refusal, values={}) == shown


def test_words_of_everyday_stay() -> None:
    """Short values are no secrets, and striking them out would leave no sentence whole."""
    assert cleaned("Job in batch is bad", values={"runner": "job", "x": "bad", "y": True}) == "Job in batch is bad"


def test_a_long_complaint_is_cut() -> None:
    """It fits into an Event and a status."""
    assert len(cleaned("x " * 100_000, values={})) == TEXT_LIMIT


def test_noise_is_left_out() -> None:
    """Warnings and log lines before the error do not push it out of sight."""
    noise = (
        "WARNING: Kubernetes configuration file is group-readable.\nlevel=WARN msg=x\nI1122 05:54:00 1 x.go:1] y\n\n"
    )

    assert cleaned(f"{noise}{FAILED}it is broken\n", values={}) == "it is broken"


def test_control_characters_do_not_arrive() -> None:
    """A chart cannot repaint a terminal."""
    assert cleaned("bad \x1b[2J\x07 thing", values={}).isprintable()
