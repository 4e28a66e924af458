"""Verified downloads from a release server on loopback, honest and otherwise."""

import hashlib
import os
import random
import resource
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.downloading import Downloads, Outcome
from autox.cluster.binaries.fetching import Patience
from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.releases import published_sum, release_of
from autox.cluster.binaries.settings import BinarySettings, Platform
from autox.cluster.binaries.tools import Source, Tool
from autox.cluster.binaries.web import Deadlines
from autox.model.errors import PermanentError
from tests.binaries.programs import script
from tests.binaries.releaseserver import (
    Behaviour,
    ReleaseServer,
    archive,
    declaring,
    first,
    garbage,
    other_range,
    redirect,
    reset_after,
    stall_after,
    status,
    whole,
    wrong_part,
)
from tests.binaries.telling import Telling

PROGRAM = random.Random(1).randbytes(900_000)  # noqa: S311  - filler
PLATFORM = Platform(system="linux", architecture="amd64")
Obtain = Callable[..., Outcome]


@pytest.fixture
def told() -> Telling:
    """What the user is told."""
    return Telling()


@pytest.fixture
def obtain(tmp_path: Path, server: ReleaseServer, told: Telling) -> Obtain:
    """Download tools from the server, with little patience and no waiting."""

    def run(*tools: Tool, mirror: str = server.url) -> Outcome:
        cache = Cache(root=tmp_path / "cache", platform=PLATFORM)
        patience = Patience(fruitless=2, attempts=12, sleep=lambda _: None)
        downloads = Downloads(
            cache, mirror=mirror, progress=told, deadlines=Deadlines(connect=2, stall=0.2), patience=patience
        )
        with cache.filling(told) as work:
            return downloads.obtain(tools or [Tool.KUBECTL], work=work)

    return run


def _partials(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "partial").glob("*"))


def test_every_tool_is_downloaded_verified_and_kept(server: ReleaseServer, settings: BinarySettings) -> None:
    """The files of all three projects become programs in the cache, found there the next time."""
    for tool in Tool:
        server.publish(tool, script(tool).encode(), Platform.current())
    places = replace(settings, mirror=server.url, offline=False)

    found = provide(list(Tool), settings=places, progress=Silent())
    again = provide(list(Tool), settings=replace(settings, offline=True), progress=Silent())

    assert {binary.source for binary in found.values()} == {Source.DOWNLOAD}
    assert {binary.source for binary in again.values()} == {Source.CACHE}
    assert [binary.path for binary in found.values()] == [binary.path for binary in again.values()]
    assert all(os.access(binary.path, os.X_OK) for binary in found.values())
    assert sorted(path.name for path in settings.cache.iterdir()) == ["bin", "lock", "partial", "versions.json"]
    assert not list((settings.cache / "partial").iterdir())


def test_progress_is_counted_in_bytes(server: ReleaseServer, obtain: Obtain, told: Telling) -> None:
    """The user sees how much of the file is there."""
    server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)

    obtain()

    assert told.titles == ["downloading kubectl v1.36.3"]
    assert told.figures[-1] == (len(PROGRAM), len(PROGRAM))
    assert told.outcomes == [""]


@pytest.mark.parametrize("fault", [first(300_000), reset_after(300_000), stall_after(300_000)])
def test_a_broken_transfer_is_resumed(server: ReleaseServer, obtain: Obtain, fault: Behaviour) -> None:
    """Truncated, reset or stalled: what has come is kept and only the rest is asked for."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.once(path, fault, fault)

    made = obtain().made[Tool.KUBECTL]

    assert made.read_bytes() == PROGRAM
    ranges = [wanted for where, wanted in server.seen if where == path]
    assert len(ranges) == 3
    assert ranges[0] == ""
    # NB: a reset may destroy what was sent just before it
    assert all(0 < int(wanted[6:-1]) <= 600_000 for wanted in ranges[1:])


def test_a_partial_file_is_resumed_by_the_next_run(server: ReleaseServer, obtain: Obtain, tmp_path: Path) -> None:
    """After giving up, or after Ctrl-C, the next run goes on where this one stopped."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.once(path, first(500_000), first(0), first(0))
    assert Tool.KUBECTL in obtain().reasons
    assert [partial.stat().st_size for partial in _partials(tmp_path)] == [500_000]

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM
    assert server.seen[-1] == (path, "bytes=500000-")
    assert _partials(tmp_path) == []


def test_a_complete_partial_file_is_not_fetched_again(server: ReleaseServer, obtain: Obtain, tmp_path: Path) -> None:
    """Killed between the last byte and the rename, nothing is lost."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    partial = tmp_path / "cache" / "partial" / f"{hashlib.sha256(PROGRAM).hexdigest()}-kubectl"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(PROGRAM)

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM
    assert path not in [where for where, _ in server.seen]


@pytest.mark.parametrize("size", [400_000, 900_000, 950_000], ids=["spoilt", "spoilt-complete", "too-long"])
def test_a_spoilt_partial_file_does_no_harm(server: ReleaseServer, obtain: Obtain, tmp_path: Path, size: int) -> None:
    """Left-overs that are wrong cost one more download, never a wrong binary and never a dead end."""
    server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    partial = tmp_path / "cache" / "partial" / f"{hashlib.sha256(PROGRAM).hexdigest()}-kubectl"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * size)

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM


@pytest.mark.parametrize("mishandling", [whole, other_range, wrong_part, status(416)])
def test_a_server_that_mishandles_ranges_does_no_harm(
    server: ReleaseServer, obtain: Obtain, mishandling: Behaviour
) -> None:
    """Range ignored, another part sent, the wrong bytes under the right label: in the end the file is right."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.once(path, first(300_000), mishandling)

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM


def test_a_file_replaced_in_between_is_not_mixed(server: ReleaseServer, obtain: Obtain) -> None:
    """If-Range brings the new file whole, and since its checksum is not the published one it is refused."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)

    def replaced(request: object, content: bytes) -> None:
        first(300_000)(request, content)  # type: ignore[arg-type]
        server.content[path] = PROGRAM[::-1]

    server.once(path, replaced)

    assert "wrong checksum" in obtain().reasons[Tool.KUBECTL]
    assert [where for where, _ in server.seen].count(path) == 2


def test_a_wrong_checksum_is_refused_and_nothing_kept(
    server: ReleaseServer, obtain: Obtain, told: Telling, tmp_path: Path
) -> None:
    """A corrupted or forged file never reaches the cache, and is not resumed either."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM, sha256="ab" * 32)

    assert f"published is {'ab' * 32}" in obtain().reasons[Tool.KUBECTL]
    assert [where for where, _ in server.seen].count(path) == 1
    assert _partials(tmp_path) == []
    assert not (tmp_path / "cache" / "bin").exists()
    assert told.outcomes == ["failed"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(b"<html>Please log in</html>", "states no SHA-256", id="captive-portal"),
        pytest.param(b"", "states no SHA-256", id="empty"),
        pytest.param(b"d41d8cd98f00b204e9800998ecf8427e", "states no SHA-256", id="md5"),
        pytest.param(b"a" * 200_000, "far too long", id="oversize"),
        pytest.param(b"\xff\xfe" * 40, "states no SHA-256", id="binary"),
    ],
)
def test_without_a_published_sum_nothing_is_fetched(
    server: ReleaseServer, obtain: Obtain, text: bytes, complaint: str
) -> None:
    """A checksum is never made up."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.content[f"{path}.sha256"] = text

    assert complaint in obtain().reasons[Tool.KUBECTL]
    assert path not in [where for where, _ in server.seen]


def test_a_missing_checksum_file_is_named(server: ReleaseServer, obtain: Obtain) -> None:
    """The reason names the address, so that whoever runs the mirror can mend it."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    del server.content[f"{path}.sha256"]

    assert obtain().reasons == {Tool.KUBECTL: f"{server.url}{path}.sha256: HTTP 404 Not Found"}


@pytest.mark.parametrize(
    ("behaviour", "attempts", "complaint"),
    [
        pytest.param(status(404), 1, "HTTP 404 Not Found", id="404"),
        pytest.param(status(403), 1, "HTTP 403 Forbidden", id="403"),
        pytest.param(status(503), 2, "HTTP 503 Service Unavailable, 2 times in a row", id="503"),
        pytest.param(status(799), 1, "HTTP 799", id="odd-status"),
        pytest.param(status(204), 1, "HTTP 204", id="no-content"),
        pytest.param(status(416), 1, "HTTP 416", id="416-unasked"),
        pytest.param(reset_after(0), 2, "2 times in a row", id="reset"),
        pytest.param(stall_after(0), 2, "no answer in time", id="stall"),
        pytest.param(garbage, 1, "no proper HTTP answer", id="not-http"),
        pytest.param(declaring(-100_000), 1, "wrong checksum", id="length-too-small"),
        pytest.param(redirect("file:///etc/passwd"), 1, "HTTP 302", id="redirect-to-file"),
    ],
)
def test_a_server_that_fails_for_good_is_given_up(
    server: ReleaseServer, obtain: Obtain, behaviour: Behaviour, attempts: int, complaint: str
) -> None:
    """What cannot get better is asked once, what may is asked again for a while, and the reason is said."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.always(path, behaviour)

    assert complaint in obtain().reasons[Tool.KUBECTL]
    assert [where for where, _ in server.seen].count(path) == attempts


def test_a_length_too_large_does_no_harm(server: ReleaseServer, obtain: Obtain) -> None:
    """Only the checksum says when a file is complete."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.always(path, declaring(+100_000))

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM


def test_a_redirect_is_followed(server: ReleaseServer, obtain: Obtain) -> None:
    """The official locations redirect to content networks."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.content["/elsewhere"] = server.content[path]
    server.always(path, redirect(f"{server.url}/elsewhere"))

    assert obtain().made[Tool.KUBECTL].read_bytes() == PROGRAM


def test_an_endless_trickle_of_progress_is_bounded(server: ReleaseServer, obtain: Obtain) -> None:
    """A server that sends one byte and breaks off is not asked forever."""
    path = server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.always(path, first(1))

    assert obtain().reasons[Tool.KUBECTL] == "not complete after 12 attempts"


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        pytest.param({"linux-amd64/README.md": b"x"}, "holds no linux-amd64/helm", id="absent"),
        pytest.param({"../linux-amd64/helm": b"x", "/linux-amd64/helm": b"x"}, "holds no", id="traversal"),
        pytest.param(None, "not a good tar archive", id="not-an-archive"),
    ],
)
def test_a_verified_archive_without_the_program_is_refused(
    server: ReleaseServer, obtain: Obtain, tmp_path: Path, members: dict[str, bytes] | None, complaint: str
) -> None:
    """Only the one expected member is ever written, whatever else an archive may hold."""
    server.publish(Tool.HELM, PROGRAM, PLATFORM)
    release = release_of(Tool.HELM, platform=PLATFORM, mirror="")
    content = PROGRAM if members is None else archive(members)
    server.content[release.url] = content
    server.content[release.checksum_url] = f"{hashlib.sha256(content).hexdigest()}  {release.filename}\n".encode()

    assert complaint in obtain(Tool.HELM).reasons[Tool.HELM]
    assert not (tmp_path / "cache" / "bin").exists()


@pytest.mark.parametrize("kind", ["name", "refused"])
def test_no_network_is_found_out_once(obtain: Obtain, told: Telling, kind: str) -> None:
    """Where nothing can be reached, one attempt and one line are enough for all six tools."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    mirror = "http://no-such-host.invalid" if kind == "name" else f"http://127.0.0.1:{port}"

    outcome = obtain(*Tool, mirror=mirror)

    assert len(told.lines) == 1
    assert "cannot be reached" in told.lines[0]
    assert set(outcome.reasons) == set(Tool)
    assert told.titles == []


def test_a_server_that_hangs_up_at_once_is_asked_for_each_tool_only_briefly(obtain: Obtain) -> None:
    """A port that accepts and closes is a broken server, not an absent network."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = 0

        def hang_up() -> None:
            nonlocal accepted
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                accepted += 1
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        outcome = obtain(Tool.KUBECTL, mirror=f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert Tool.KUBECTL in outcome.reasons
    assert accepted == 2


def test_one_tool_that_fails_does_not_hold_up_the_others(server: ReleaseServer, obtain: Obtain) -> None:
    """What the mirror lacks is built later; the rest is downloaded."""
    server.publish(Tool.KUBECTL, PROGRAM, PLATFORM)
    server.publish(Tool.ETCD, PROGRAM, PLATFORM)

    outcome = obtain(Tool.ETCD, Tool.HELM, Tool.KUBECTL)

    assert set(outcome.made) == {Tool.ETCD, Tool.KUBECTL}
    assert set(outcome.reasons) == {Tool.HELM}


def test_a_downloaded_program_that_does_not_run_is_not_provided(
    server: ReleaseServer, settings: BinarySettings, tmp_path: Path
) -> None:
    """A file with the right checksum but of another version or platform is not passed off as the tool."""
    server.publish(Tool.KUBECTL, script(Tool.KUBECTL, "v1.20.0").encode(), Platform.current())

    with pytest.raises(PermanentError, match=r"download: .*/kubectl says it is v1\.20\.0"):
        provide([Tool.KUBECTL], settings=replace(settings, mirror=server.url, offline=False), progress=Silent())

    assert not list((tmp_path / "cache").glob("work*"))


def test_a_full_disk_is_said_plainly(cache: Cache) -> None:
    """The user reads where space is missing, not an errno."""
    with pytest.raises(PermanentError, match="no space left for binaries in"), cache.writing():
        Path("/dev/full").write_bytes(b"x")


def test_a_file_that_cannot_be_written_ends_everything(
    server: ReleaseServer, obtain: Obtain, told: Telling, tmp_path: Path
) -> None:
    """No other tool is tried where not even a download can be kept, and no half of one stays behind."""
    for tool in Tool:
        server.publish(tool, PROGRAM, PLATFORM)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(PermanentError, match=r"cannot write to the cache: .*File too large"):
            obtain(Tool.KUBECTL, Tool.KUBE_SCHEDULER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert told.titles == ["downloading kubectl v1.36.3"]
    assert _partials(tmp_path) == []


def test_concurrent_runs_fill_the_cache_once(server: ReleaseServer, settings: BinarySettings) -> None:
    """Of several runs at the same time one downloads, the others wait and use what it got."""
    path = server.publish(Tool.KUBECTL, script(Tool.KUBECTL).encode(), Platform.current())
    server.once(path, stall_after(1))
    places = replace(settings, mirror=server.url, offline=False)
    sources: list[Source] = []

    def run() -> None:
        sources.append(provide([Tool.KUBECTL], settings=places, progress=Silent())[Tool.KUBECTL].source)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    while path not in [where for where, _ in server.seen]:
        threading.Event().wait(0.01)
    server.stalled.set()
    for thread in threads:
        thread.join()

    assert sorted(sources) == sorted([Source.DOWNLOAD, Source.CACHE, Source.CACHE, Source.CACHE])


@pytest.mark.parametrize(
    ("tool", "url"),
    [
        (Tool.KUBECTL, "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl"),
        (Tool.ETCD, "https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz"),
        (Tool.HELM, "https://get.helm.sh/helm-v4.3.1-linux-amd64.tar.gz"),
    ],
)
def test_the_official_locations_are_asked(tool: Tool, url: str) -> None:
    """Without a mirror files come from where their projects publish them; a mirror replaces the host alone."""
    official = release_of(tool, platform=PLATFORM)
    mirrored = release_of(tool, platform=PLATFORM, mirror="http://mirror.example/x")

    assert official.url == url
    assert mirrored.url == f"http://mirror.example/x/{url.split('/', 3)[3]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{'AB' * 32}\n", "ab" * 32, id="bare"),
        pytest.param(f"{'12' * 32}  helm.tar.gz\n", "12" * 32, id="line"),
        pytest.param(f"{'12' * 32} *./dist/helm.tar.gz\r\n", "12" * 32, id="binary-mode"),
        pytest.param(f"{'34' * 32}  other.tar.gz\n{'12' * 32}  helm.tar.gz\n", "12" * 32, id="list"),
        pytest.param(f"{'12' * 32}  helm.tar.gz.asc\n", None, id="another-file"),
        pytest.param(f"{'12' * 31}  helm.tar.gz\n", None, id="too-short"),
        pytest.param(f"{'12' * 32}\n{'34' * 32}\n", None, id="two-bare-sums"),
    ],
)
def test_published_sums_are_read_in_every_format(text: str, expected: str | None) -> None:
    """Each project writes its checksum files differently."""
    assert published_sum(text, "helm.tar.gz") == expected
