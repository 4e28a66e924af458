"""A watch whose objects are structs of the few fields that its consumer reads."""

import msgspec
import pytest

from autox.kube.decoders import ObjectMetadata, StructDecoder
from autox.kube.frames import FrameReader
from autox.kube.watch_store import WatchEventType, WatchStore
from autox.model.errors import ExpiredError, ServerError


class Sized(msgspec.Struct, frozen=True):
    """What is read of the specification."""

    size: int = 0


class Thing(msgspec.Struct, frozen=True):
    """An object."""

    metadata: ObjectMetadata = ObjectMetadata()
    spec: Sized = Sized()


THINGS = StructDecoder(Thing)
FIRST = Thing(metadata=ObjectMetadata(namespace="a", name="one", uid="u1", resource_version="7"), spec=Sized(size=3))


def reader() -> FrameReader[Thing]:
    """A reader of things."""
    return FrameReader(THINGS, limit=1 << 16, what="WATCH things", plural="things")


def test_fields_that_are_read() -> None:
    """An event gives the fields that were asked for, whatever else it has; a bookmark has just a version."""
    line = (
        b'{"type":"ADDED","object":{"kind":"Thing","metadata":{"namespace":"a","name":"one","uid":"u1",'
        b'"resourceVersion":"7","labels":{"x":"y"}},"spec":{"size":3,"colour":null},"status":{}}}\n'
        b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
    )
    added, bookmark = reader().feed(line)

    assert (added.type, added.object) == ("ADDED", FIRST)
    assert THINGS.identity(bookmark.object).version == "9"


def test_error_event() -> None:
    """A Status whose fields are of other types than the object's is told as that error, after what came before it."""
    error = b'{"type":"ERROR","object":{"kind":"Status","metadata":{},"spec":"none","code":410,"reason":"Expired"}}\n'
    frames = reader().feed(b'{"type":"ADDED","object":{}}\n' + error)

    assert next(frames).object == Thing()
    with pytest.raises(ExpiredError):
        next(frames)


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b'{"type":"ADDED","object":{"spec":{"size":"big"}}}', b'{"type":1}', b"\xff"]
)
def test_something_else(line: bytes) -> None:
    """What is no event with such an object is the server's failure, and no event."""
    with pytest.raises(ServerError, match="WATCH things"):
        list(reader().feed(line + b"\n"))


def test_inferred_deletion() -> None:
    """An object that a later listing has no more is told as deleted, with its names and uid and nothing else."""
    known = WatchStore(THINGS, api_version="v1", kind="Thing")
    list(known.present(FIRST, at=0.0))
    [gone] = known.only([], at=0.0)

    assert gone.type is WatchEventType.DELETED
    assert gone.object == Thing(metadata=FIRST.metadata)
