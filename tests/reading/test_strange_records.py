"""What stands in records is looked at with suspicion: one that makes no sense is told, and hides no other.

An API server refuses most of this; one whose definitions are of another version of autox does not.
"""

from typing import Any

import pytest
from aiohttp import web

from autox.api.experiments import object_from_record
from autox.cli.parts.groups import read_group
from autox.cli.parts.results import newest_result, result_of
from autox.model.errors import ConfigurationError, InvalidError, NotFoundError
from autox.store.experiments import experiment, experiments, read_experiment
from tests.deciding.samples import record
from tests.kube.hostile import listing, serving, status

NOW = "2026-01-01T00:00:00Z"


def stored(**changes: Any) -> dict[str, Any]:
    """A record as a server would give it."""
    obj = object_from_record(record())
    obj["metadata"] |= {"creationTimestamp": NOW, "uid": "r", "resourceVersion": "1"}
    return obj | changes


@pytest.mark.parametrize("found", [[], "Completed", {"phase": "Sleeping"}, {"verdict": True}])
def test_a_status_that_makes_no_sense_names_its_record(found: Any) -> None:
    """Whoever reads the message knows which one to look at."""
    with pytest.raises(ConfigurationError, match=r"experiment default/web-http-\w+"):
        read_experiment(stored(status=found or [1]))


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({"slos": {"metric": "x"}}, id="slos that are no list"),
        pytest.param({"slos": [None, 1, "x", [], {}]}, id="slos that are none"),
        pytest.param({"slos": [{"metric": "m", "bound": "sideways", "limit": 1, "verdict": "Fail"}]}, id="a bound"),
        pytest.param({"slos": [{"metric": "m", "bound": "upper", "limit": "x", "verdict": "Fail"}]}, id="a limit"),
        pytest.param({"slos": [{"metric": "m", "bound": "upper", "limit": 10**400, "verdict": "Fail"}]}, id="huge"),
        pytest.param({"loops": True}, id="loops that are no number"),
        pytest.param({"loops": "many"}, id="loops that are a word"),
    ],
)
def test_strange_parts_of_a_status_are_as_good_as_absent(found: Any) -> None:
    """The record itself is still told."""
    read = read_experiment(stored(status=found))

    assert (read.loops, read.slos) == (0, ())


async def test_a_record_that_makes_no_sense_hides_no_other() -> None:
    """It is named among the troubles."""
    bad = stored(spec={"group": 7})
    bad["metadata"] = bad["metadata"] | {"name": "of-a-later-autox"}

    async def answer(_: web.Request) -> web.Response:
        return listing(stored(), bad, stored(status={"phase": "Sleeping"}))

    async with serving(answer) as kube:
        found = await experiments(kube, namespace=None)

    assert [each.record.name for each in found.experiments] == [record().name]
    assert len(found.troubles) == 2
    assert "of-a-later-autox" in found.troubles[0]
    assert "phase" in found.troubles[1]


async def test_one_that_was_asked_for_is_an_error() -> None:
    """Exit code 3, and the reason."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(stored(spec=None))

    async with serving(answer) as kube:
        with pytest.raises(InvalidError, match="spec"):
            await experiment(kube, "default", "x")


async def test_a_cluster_without_autox_is_told_so() -> None:
    """Not found is not the same as none."""

    async def answer(_: web.Request) -> web.Response:
        return status(404, "NotFound", "the server could not find the requested resource")

    async with serving(answer) as kube:
        with pytest.raises(NotFoundError) as error:
            await newest_result(kube, "default")

    assert "helm install autox" in error.value.hint


@pytest.mark.parametrize(
    ("secret", "error"),
    [
        pytest.param({"data": {"result.json.gz": "not base64!"}}, InvalidError, id="not base64"),
        pytest.param({"data": {"result.json.gz": "AAAA"}}, InvalidError, id="not gzip"),
        pytest.param({"data": {"result.json.gz": 7}}, InvalidError, id="a number"),
        pytest.param({"data": ["result.json.gz"]}, InvalidError, id="a list"),
        pytest.param({"data": {}}, NotFoundError, id="nothing yet"),
        pytest.param({"data": None}, NotFoundError, id="no data"),
    ],
)
async def test_a_stored_result_that_is_none_is_told(secret: dict[str, Any], error: type[Exception]) -> None:
    """Neither a traceback nor an empty report."""

    async def answer(request: web.Request) -> web.Response:
        found = stored(status={"resultSecret": "x-result"}) if "experiments" in request.path else secret
        return web.json_response(found)

    async with serving(answer) as kube:
        with pytest.raises(error):
            await result_of(kube, "default", "x")


@pytest.mark.parametrize(
    "obj",
    [
        {"metadata": {"name": "x", "namespace": "y"}},
        {"metadata": {"name": "x", "namespace": "y"}, "spec": [], "status": []},
        {"metadata": {"name": "x", "namespace": "y"}, "spec": {"trigger": 3}, "status": {"conditions": {}}},
        {"metadata": {"name": "x", "namespace": "y"}, "status": {"conditions": [1], "lastDecision": "no"}},
    ],
)
def test_a_group_that_makes_no_sense_says_why(obj: dict[str, Any]) -> None:
    """Its flaw is what is told of it."""
    found = read_group(obj)

    assert found.wanted is None
    assert "spec" in found.trouble
