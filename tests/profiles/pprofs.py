"""Profiles as Go programs write them, made of stacks: the other direction of what is tested."""

import gzip
from collections.abc import Iterable, Sequence

Stack = Sequence[Sequence[str]]
"""Places, the leaf first; at each its functions, the innermost first."""


def varint(value: int) -> bytes:
    """A number; a negative one as an ``int64``."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def number(field: int, value: int) -> bytes:
    """A field with a number."""
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes) -> bytes:
    """A field with bytes: a text, a message, packed numbers."""
    whole = b"".join(parts)
    return varint(field << 3 | 2) + varint(len(whole)) + whole


def plain(
    samples: Iterable[tuple[Stack, Sequence[int]]],
    *,
    kinds: Sequence[tuple[str, str]] = (("samples", "count"), ("cpu", "nanoseconds")),
    default: str = "",
) -> bytes:
    """A profile that is not compressed."""
    texts, functions, places = [""], dict[str, int](), dict[tuple[str, ...], int]()

    def text(what: str) -> int:
        if what not in texts:
            texts.append(what)
        return texts.index(what)

    parts = [message(1, number(1, text(kind)), number(2, text(unit))) for kind, unit in kinds]
    for stack, values in samples:
        for place in stack:
            places.setdefault(tuple(place), len(places) + 1)
            for function in place:
                functions.setdefault(function, len(functions) + 1)
        ids = b"".join(varint(places[tuple(place)]) for place in stack)
        parts.append(message(2, message(1, ids), message(2, *map(varint, values)), message(3, number(1, 0))))
    for place, own in places.items():
        lines = (message(4, number(1, functions[function]), number(2, 7)) for function in place)
        parts.append(message(4, number(1, own), number(3, 0x401000), *lines))
    parts += [message(5, number(1, own), number(2, text(name))) for name, own in functions.items()]
    parts += [number(10, 5_000_000_000), number(14, text(default)) if default else b""]
    return b"".join([*parts, *(message(6, each.encode()) for each in texts)])


def packed(samples: Iterable[tuple[Stack, Sequence[int]]], **more: object) -> bytes:
    """A profile."""
    return gzip.compress(plain(samples, **more))  # type: ignore[arg-type]
