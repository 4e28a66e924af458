"""What ``kubectl logs`` gets."""

import asyncio
import re

import pytest

from autox.model.errors import InvalidError, UnsupportedError
from tests.kubelet.node import Node

LOG = "/containerLogs/shop/web/app"


async def logs(node: Node, query: str = "") -> tuple[int, str]:
    """Status and text of an answer."""
    async with node.client.get(f"{LOG}?{query}") as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "one\ntwo\nthree\n"),
        ("tailLines=2", "two\nthree\n"),
        ("tailLines=0", ""),
        ("tailLines=99", "one\ntwo\nthree\n"),
        ("tail=1", "three\n"),
        ("tail=all", "one\ntwo\nthree\n"),
        ("limitBytes=5", "one\nt"),
        ("sinceTime=2026-01-02T00:00:01Z", "two\nthree\n"),
        ("sinceTime=2026-01-02T02:00:01.5%2B02:00", "three\n"),
        ("sinceTime=2026-01-02T00:00:01.123456789Z", "three\n"),
        ("sinceSeconds=1", ""),
        ("sinceSeconds=9223372036854775807", "one\ntwo\nthree\n"),
        ("timestamps=true&tailLines=1", "2026-01-02T00:00:02.000000000Z three\n"),
        ("timestamps=", "2026-01-02T00:00:00.000000000Z one\n"),
        ("timestamps=0&follow=False", "one\ntwo\nthree\n"),
        ("stream=All&unknown=1&container=app", "one\ntwo\nthree\n"),
        ("previous=true", "before\n"),
    ],
)
async def test_the_wanted_part_of_a_log(node: Node, query: str, expected: str) -> None:
    """Each option of ``kubectl logs``, by the names the API server passes on."""
    node.write("before", previous=True)
    node.write("one", "two", "three")
    status, text = await logs(node, query)

    assert status == 200
    assert text.startswith(expected) if query == "timestamps=" else text == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tailLines=x", "tailLines must be an integer, not 'x'"),
        ("tailLines=", "tailLines must be an integer, not ''"),
        ("tailLines=-1", "tailLines must be at least 0, not -1"),
        ("tailLines=1.5", "tailLines must be an integer"),
        ("tailLines=NaN", "tailLines must be an integer"),
        ("tailLines=%D9%A3", "tailLines must be an integer"),
        ("tailLines=9223372036854775808", "tailLines must be an integer"),
        (f"tailLines={'9' * 5000}", "tailLines must be an integer, not '9999"),
        ("limitBytes=0", "limitBytes must be at least 1, not 0"),
        ("sinceSeconds=0", "sinceSeconds must be at least 1, not 0"),
        ("sinceTime=yesterday", "sinceTime must be a time such as 2026-01-02T03:04:05Z, not 'yesterday'"),
        ("sinceTime=2026-01-02T03:04:05", "sinceTime must be a time"),
        ("sinceTime=", "sinceTime must be a time"),
        ("sinceTime=2026-01-02T03:04:05Z&sinceSeconds=1", "at most one of sinceTime or sinceSeconds"),
    ],
)
async def test_a_wrong_option_is_said(node: Node, query: str, said: str) -> None:
    """With 400, whose text kubectl shows."""
    node.write("one")
    status, text = await logs(node, query)

    assert status == 400
    assert text.startswith(said)
    assert len(text) < 200


async def test_one_stream_alone_is_not_supported(node: Node) -> None:
    """And says so."""
    node.write("one")

    assert await logs(node, "stream=Stderr") == (
        501,
        "logs of a single output stream are not supported by autox",
    )


async def test_an_unknown_pod_or_container(node: Node) -> None:
    """Is not found."""
    async with node.client.get("/containerLogs/shop/other/app") as response:
        assert (response.status, await response.text()) == (
            404,
            'pod "other" in namespace "shop" is not on this node',
        )


async def test_a_container_that_has_no_log_yet(node: Node) -> None:
    """With the kubelet's words, which kubectl shows."""
    node.refusal = InvalidError('container "app" in pod "web" is waiting to start: PodInitializing')

    assert await logs(node) == (400, 'container "app" in pod "web" is waiting to start: PodInitializing')


async def test_a_log_whose_file_is_gone_is_an_error(node: Node) -> None:
    """Not an empty log."""
    assert await logs(node) == (404, "the log is not there (any more)")


async def test_nodes_without_logs_say_so(node: Node) -> None:
    """A mock node runs nothing."""
    node.refusal = UnsupportedError("pods of a mock node have no logs")

    assert await logs(node) == (501, "pods of a mock node have no logs")


async def test_a_log_is_followed_until_its_container_has_ended(node: Node) -> None:
    """Each line arrives when it is written, not when a buffer is full."""
    node.write("one", ended=False)
    async with node.client.get(f"{LOG}?follow=true") as response:
        assert await response.content.readline() == b"one\n"

        node.write("two", ended=False)

        assert await response.content.readline() == b"two\n"

        node.write("three", ended=True)

        assert await response.content.read() == b"three\n"


async def test_a_follower_who_goes_away_leaves_nothing_behind(node: Node) -> None:
    """No task goes on reading for nobody, even if nothing is written any more."""
    node.write("one", ended=False)
    before = len(asyncio.all_tasks())
    followers = [await node.client.get(f"{LOG}?follow=true") for _ in range(20)]
    for follower in followers:
        assert await follower.content.readline() == b"one\n"
        follower.close()
    while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  - the kernel tells when it does
        await asyncio.sleep(0.01)


async def test_a_slow_reader_does_not_fill_the_memory_of_the_node(node: Node) -> None:
    """A large log is sent as fast as it is read; all of it arrives."""
    line = "x" * 10_000
    for _ in range(20):
        node.write(*[line] * 50)
    async with node.client.get(LOG) as response:
        await asyncio.sleep(0.1)
        text = await response.text()

    assert re.fullmatch(f"({line}\n){{1000}}", text)
