"""Events that tell an agent only what it has just written are not decoded: half of all that its watch of pods brings.

A pod that is ready, and of which no stage ever asks anything again, needs no second look at the state that our own
write gave it: its event becomes a bookmark. That holds only while the answer to the write shows the same metadata as
before. Somebody may have deleted the pod, or changed its annotations, before we wrote; then the event is the first
word of it that is not out of date (``serving`` passes over older ones) and is decoded like any other.

Rejected: not decoding the status of any pod before it is needed. It takes as long as decoding it, and most are needed.
"""

import re

import msgspec

from autox.kube.decoders import Frame, StructDecoder
from autox.nodes.mock.pods import Metadata, Pod

# NB: names and uids have no quotes in them, and an API server writes these fields first. An event that begins in any
# other way is decoded.
_BEGINNING = re.compile(
    rb'\{"type":"MODIFIED","object":\{"kind":"Pod","apiVersion":"v1","metadata":'
    rb'\{(?:"(?:name|generateName|namespace|uid)":"[^"\\]*+",)++"resourceVersion":"([0-9]++)"'
)


class _Answer(msgspec.Struct):
    """The answer to a write: the pod's metadata and nothing else."""

    metadata: Metadata = Metadata()


_decoder = msgspec.json.Decoder(_Answer)


class PodEvents(StructDecoder[Pod]):
    """The shape of pods' events, but for those that are expected."""

    def __init__(self) -> None:
        super().__init__(Pod)
        self._expected: set[bytes] = set()

    def frame(self, line: bytes) -> Frame[Pod]:
        """See ``Shape``; what is expected comes as a bookmark."""
        if self._expected and (beginning := _BEGINNING.match(line)) and beginning[1] in self._expected:
            self._expected.remove(beginning[1])
            return Frame("BOOKMARK", Pod(metadata=Metadata(resource_version=beginning[1].decode())))
        return super().frame(line)

    def expect(self, version: str) -> None:
        """The next event with this resource version tells nothing new."""
        self._expected.add(version.encode())

    def expect_nothing(self) -> None:
        """The watch has listed anew: what was expected may have been among that."""
        self._expected.clear()


def written(answer: bytes) -> Metadata | None:
    """The metadata of the pod after a write, as the answer shows it; None if that is no pod's."""
    try:
        return _decoder.decode(answer).metadata
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_only_ours(before: Metadata, after: Metadata) -> bool:
    """Did nothing happen to a pod's metadata between the state that was decided upon and the one after the write?

    Of what changes at each write there is only the resource version among what is read here.
    """
    return msgspec.structs.replace(after, resource_version=before.resource_version) == before
