"""The wire format of Protocol Buffers, as much of it as reading a message takes. Pure, and bounded by the message.

https://protobuf.dev/programming-guides/encoding: a message is fields, each a number with a wire type and a varint,
eight bytes, four bytes, or a length and so many bytes. What a field means is for whoever reads it. A library was
rejected: for one message that is read once a run it would be one more thing to keep.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_LONGEST = 10  # bytes of a varint


class WireError(ValueError):
    """The bytes are no message."""


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The fields of a message, in order: number, wire type, and two figures.

    Of a varint these are its value and 0; of all others, where their bytes begin and end.

    Args:
        data: that has the message.
        at: where it begins.
        end: where it ends.

    Raises:
        WireError: it is cut short, or is none.
    """
    while at < end:
        key, at = varint(data, at, end)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has no number")
        if kind == VARINT:
            value, at = varint(data, at, end)
            yield number, kind, value, 0
            continue
        if kind == BYTES:
            size, at = varint(data, at, end)
        elif kind in _WIDTHS:
            size = _WIDTHS[kind]
        else:
            raise WireError(f"a field has the wire type {kind}")
        if at + size > end:
            raise WireError("a field goes beyond its message")
        yield number, kind, at, at + size
        at += size


def numbers(data: bytes, kind: int, first: int, second: int) -> list[int]:
    """The numbers of a repeated field, packed or not.

    Args:
        data: that has the message.
        kind: the field's wire type.
        first: what ``fields`` tells of it.
        second: likewise.

    Raises:
        WireError: they are cut short, or the field has no numbers.
    """
    if kind == VARINT:
        return [first]
    if kind != BYTES:
        raise WireError("a number is no varint")
    chunk = data[first:second]
    if chunk.isascii():
        return list(chunk)  # each a byte
    found, at = [], first
    while at < second:
        value, at = varint(data, at, second)
        found.append(value)
    return found


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A varint and where it ends.

    Args:
        data: that has it.
        at: where it begins.
        end: which it must not reach beyond.

    Raises:
        WireError: it does not end.
    """
    value = shift = 0
    for place in range(at, min(end, at + _LONGEST)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + 1
        shift += 7
    raise WireError("a number does not end")


def signed(value: int) -> int:
    """A varint as an ``int64``."""
    return value - (1 << 64) if value >= 1 << 63 else value
