"""Components that serve their profiles, or refuse, break off, stall or flood: over real sockets."""

import asyncio
from pathlib import Path

import pytest

from autox.cluster.administrator import BODY_LIMIT, Administrator
from autox.cluster.home import home
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.density import DensityInputs
from autox.tasks.density.course.components import API_SERVER
from autox.tasks.density.course.sources import UnreadableError, profiles_of, sources
from tests.faults.webservers import says, status
from tests.load.targets import Answer, serving

PROFILE = b"\x1f\x8bany bytes\x00"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(PROFILE)
FLOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1)
PATH, QUERY = "/debug/pprof/profile", {"seconds": "1"}


async def asked(answer: Answer, folder: Path, *, is_api_server: bool, seconds: float = 5.0) -> tuple[bytes, bytes]:
    """What a component that answers so is asked, and what comes of it."""
    async with serving(answer) as target:
        url = f"http://127.0.0.1:{target.port}"
        async with KubeClient(Connection(server=url, origin="a test")) as kube:
            of_api_server = sources(kube, DensityInputs(), {}).profiles[API_SERVER]
            other = profiles_of(Administrator(home("c", root=folder)), url)
            data = await (of_api_server if is_api_server else other)(PATH, QUERY, seconds)
        return target.requests[0].split(b" HTTP")[0], data


BOTH = pytest.mark.parametrize("is_api_server", [True, False], ids=["API server", "another"])


@BOTH
async def test_a_profile_is_asked_for(tmp_path: Path, *, is_api_server: bool) -> None:
    """As it is: compressed by the program itself, which no client may undo."""
    found = await asked(says(WHOLE + PROFILE), tmp_path, is_api_server=is_api_server)

    assert found == (b"GET /debug/pprof/profile?seconds=1", PROFILE)


@BOTH
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says(status(b"403 Forbidden")), "403"),
        (says(status(b"404 Not Found")), "does it run with --profiling=false"),
        (says(status(b"500 Internal Server Error")), "500"),
        (says(WHOLE + PROFILE[:5], then="close"), "profile"),
        (says(WHOLE, then="reset"), "profile"),
        (says(b"no HTTP\r\n\r\n", then="close"), "profile"),
        (says(FLOOD + bytes(BODY_LIMIT + 1)), "profile"),
    ],
    ids=["may not", "none", "busy", "breaks off", "resets", "lies", "floods"],
)
async def test_what_is_no_answer(answer: Answer, said: str, tmp_path: Path, *, is_api_server: bool) -> None:
    """It is said why, and no more is read than a profile may have."""
    with pytest.raises(UnreadableError, match=said):
        await asked(answer, tmp_path, is_api_server=is_api_server)


@BOTH
async def test_a_component_that_stalls(tmp_path: Path, *, is_api_server: bool) -> None:
    """It is waited for as long as was said, and no longer."""
    with pytest.raises((UnreadableError, TimeoutError)):
        await asyncio.wait_for(asked(says(then="hang"), tmp_path, is_api_server=is_api_server, seconds=0.05), 5)
