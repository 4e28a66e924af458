"""Profiles of a run: when they are asked for, what becomes of those that cannot be had, and what may be asked."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import nullcontext

import pytest

from autox.model.errors import ConfigurationError
from autox.model.profiling import Profile, ProfileKind, ProfileMoment, ProfileRow, Profiling
from autox.tasks.density import profiling
from autox.tasks.density.course.sources import Profiles, Sources, UnreadableError
from autox.tasks.density.profiling import Profiler
from autox.tasks.density.rights import PATHS, RIGHTS, manifests, paths
from tests.density.test_presets import inputs
from tests.profiles.pprofs import packed

CPU = packed([((("a.b/c.f",), ("main.main",)), (3, 1_500_000_000))])
HEAP = packed([((("main.main",),), (1 << 20, 3 << 20))], kinds=[("alloc_space", "bytes"), ("inuse_space", "bytes")])
LOAD, END = ProfileMoment.LOAD, ProfileMoment.END


class Serving:
    """A component that serves its profiles, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def __call__(self, path: str, query: Mapping[str, str], seconds: float) -> bytes:
        """A profile."""
        assert seconds > float(query.get("seconds", 0))
        self.asked.append((path, query))
        return CPU if path.endswith("/profile") else HEAP


def failing(error: Exception) -> Profiles:
    """A component that serves none."""

    async def read(*asked: object) -> bytes:
        raise error if asked else AssertionError

    return read


async def stalling(path: str, query: Mapping[str, str], seconds: float) -> bytes:
    """A component that never answers: whoever asks for CPU finds out himself."""
    if "seconds" in query:
        raise TimeoutError(path)
    await asyncio.sleep(100 * seconds)
    return b""


async def lying(path: str, query: Mapping[str, str], seconds: float) -> bytes:
    """A component that answers something else."""
    return f"{path} {query} {seconds}".encode()


def profiler(asked: Profiling | None, **components: Profiles) -> Profiler:
    """Of components by name; etcd is elsewhere."""
    return Profiler(asked, Sources(found={}, absent={"etcd": "it is elsewhere"}, profiles=components))


async def taken(found: Profiler, *, whole: float = 0.0) -> tuple[Profile, ...]:
    """What is taken in a load that is due for so long, and at its end."""
    began = time.monotonic()
    async with found.beside(began=began, whole=whole):
        await found.at_the_end(began=began)
    return await found.profiles()


async def test_each_moment_has_its_profiles() -> None:
    """CPU for as long as was asked for and then memory, of each component, in seconds and MiB."""
    serving = Serving()
    found = profiler(Profiling(at=(LOAD, END), cpu=7), scheduler=serving)
    profiles = await taken(found)

    assert serving.asked == [("/debug/pprof/profile", {"seconds": "7"}), ("/debug/pprof/heap", {})] * 2
    assert sorted((each.kind, each.moment, each.component, each.unit) for each in profiles) == [
        (ProfileKind.CPU, END, "scheduler", "s"),
        (ProfileKind.CPU, LOAD, "scheduler", "s"),
        (ProfileKind.HEAP, END, "scheduler", "MiB"),
        (ProfileKind.HEAP, LOAD, "scheduler", "MiB"),
    ]
    cpu = next(each for each in profiles if each.kind is ProfileKind.CPU)
    assert cpu.total == 1.5
    assert [row.function for row in cpu.rows] == ["a.b/c.f", "main.main"]
    assert next(each for each in profiles if each.kind is ProfileKind.HEAP).rows == (
        ProfileRow(function="main.main", flat=3.0, cumulative=3.0),
    )
    assert [note.text.split(" was ")[0] for note in found.notes if "100 samples" in note.text] == [
        "CPU of scheduler"
    ] * 2


async def test_they_are_in_one_order() -> None:
    """Of two results the same tables are beside each other, whoever answered first."""
    first, second = asyncio.Event(), Serving()

    async def late(path: str, query: Mapping[str, str], seconds: float) -> bytes:
        if path.endswith("/profile"):
            await asyncio.wait_for(first.wait(), seconds)
        return await second(path, query, seconds)

    async def soon(path: str, query: Mapping[str, str], seconds: float) -> bytes:
        if path.endswith("/heap"):
            first.set()
        return await second(path, query, seconds)

    found = profiler(Profiling(), apiserver=late, scheduler=soon)
    profiles = await taken(found)

    assert [(each.kind, each.component) for each in profiles] == [
        (kind, component) for kind in ProfileKind for component in ("apiserver", "scheduler")
    ]
    assert next(iter(found.notes)).text.startswith("CPU of apiserver, scheduler was profiled")


async def test_the_middle_of_a_load() -> None:
    """The profile lies about it, and begins at once where it is longer than the load."""
    for whole, at in ((1.2, 0.1), (0.2, 0.0)):
        [cpu, _] = await taken(profiler(Profiling(cpu=1), scheduler=Serving()), whole=whole)
        assert cpu.at == pytest.approx(at, abs=0.11)


async def test_what_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A component that refuses, stalls or lies costs no run; one that serves is read all the same."""
    monkeypatch.setattr(profiling, "_PATIENCE", 0.05)
    refused = failing(UnreadableError("HTTP 403"))
    found = profiler(Profiling(cpu=1), apiserver=refused, stalls=stalling, lies=lying, serves=Serving())

    profiles = await taken(found)

    assert {each.component for each in profiles} == {"serves"}
    assert sorted(note.text for note in found.notes if note.text.startswith("no")) == [
        "no profile of apiserver (cpu at load, heap at load): HTTP 403",
        "no profile of etcd: it is elsewhere",
        "no profile of lies (cpu at load, heap at load): it is not gzip",
        "no profile of stalls (cpu at load): it did not answer within 1.05 s",
        "no profile of stalls (heap at load): it did not answer within 0.05 s",
    ]


async def test_none_is_taken_unasked() -> None:
    """It costs the components CPU, so that it is off."""
    serving = Serving()
    found = profiler(None, scheduler=serving)

    assert await taken(found) == ()
    assert (serving.asked, list(found.notes)) == ([], [])
    assert inputs({}).profiles is None


async def test_a_run_that_is_ended_waits_for_none() -> None:
    """The profile that is under way is given up."""
    found = profiler(Profiling(cpu=1), stalls=stalling)

    async def ended() -> None:
        async with found.beside(began=time.monotonic(), whole=0.0):
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await asyncio.wait_for(ended(), 5)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"profiles": {}}, Profiling()),
        ({"profiles": {"at": ["end", "load"], "cpu": "30s"}}, Profiling(at=(END, LOAD), cpu=30)),
        ({"profiles": {"at": []}}, "profiles.at"),
        ({"profiles": {"at": ["load", "load"]}}, "names a moment twice"),
        ({"profiles": {"at": ["noon"]}}, "profiles.at"),
        ({"profiles": {"cpu": "31s"}}, "cpu is 31s, and must be whole seconds, 1s to 30s"),
        ({"profiles": {"cpu": "1500ms"}}, "must be whole seconds"),
        ({"profiles": {"cpu": "0s"}}, "profiles"),
        ({"profiles": {"cpu": "long"}}, "profiles.cpu"),
        ({"profiles": {"of": "etcd"}}, "profiles.of"),
        ({"profiles": {}, "failurePoint": {"of": "nodes", "from": 1, "to": 2}}, "stands without profiles"),
    ],
    ids=str,
)
def test_what_may_be_asked(section: dict[str, object], said: Profiling | str) -> None:
    """What makes no sense is refused where it is written."""
    with pytest.raises(ConfigurationError, match=said) if isinstance(said, str) else nullcontext():
        assert inputs(section).profiles == said


def test_who_profiles_may_read_them() -> None:
    """And nobody else: a profile tells what a program does, and costs it."""
    assert paths([inputs({})]) == PATHS
    [_, role, *_] = manifests("here", RIGHTS, paths([inputs({}), inputs({"profiles": {}})]))

    assert role["rules"][-1] == {"nonResourceURLs": ["/metrics", "/debug/pprof/*"], "verbs": ["get"]}
    assert manifests("here")[1]["rules"][-1] == {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
