"""What a profile of a Go program says, as ``go tool pprof -top`` tells it: by function, alone and with what it called.

The format is profile.proto of github.com/google/pprof, compressed by gzip. A sample is a stack, the leaf first, with a
value for each kind of figure; a place in it may have several functions, for some are inlined in others, the innermost
first. A function's *flat* value is that of the samples whose leaf it is, its *cumulative* one that of all samples that
it is in, once each however deep it recurses. Of the kinds of figures the profile's default counts, or its last.

The bytes come from the program that is profiled, so that anything may be in them: no more of them is unpacked than
``limit``, stacks are not longer in all than ``MOST``, and an index that leads nowhere is an error.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autox.core.formats.protowire import BYTES, VARINT, WireError, fields, numbers, signed

LIMIT = 16 << 20
"""Bytes of a profile: that of a large API server under load has 5 MB."""

MOST = 5_000_000
"""Functions in all stacks: ten thousand stacks have 60 each, as a rule."""

_LONGEST = 200  # characters of a name
_WIDEST = 4  # bytes of one
_NAMELESS = "(unknown)"

_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _TEXT, _DEFAULT = 1, 2, 4, 5, 6, 14


class ProfileError(ValueError):
    """The bytes are no profile; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A function.

    Attributes:
        function: its name.
        flat: what it took itself.
        cumulative: with all that it called.
    """

    function: str
    flat: int
    cumulative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The functions that took the most.

    Attributes:
        kind: of figure: ``cpu``, ``inuse_space``.
        unit: of it: ``nanoseconds``, ``bytes``.
        total: of all functions.
        rows: the largest flat value first.
    """

    kind: str
    unit: str
    total: int
    rows: tuple[Row, ...]


def top(data: bytes, *, count: int, limit: int = LIMIT) -> Top:
    """The functions that took the most.

    Args:
        data: the profile, compressed.
        count: how many of them.
        limit: the most bytes that it may have when it is unpacked.

    Raises:
        ProfileError: it is none, or is larger.
    """
    plain = _unpacked(data, limit=limit)
    try:
        return _Profile(plain).top(count)
    except WireError as error:
        raise ProfileError(f"it is no profile: {error}") from error
    except LookupError as error:
        raise ProfileError("it is no profile: it names what it does not have") from error


def _unpacked(data: bytes, *, limit: int) -> bytes:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with a gzip header
    try:
        plain = reader.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProfileError("it is not gzip") from error
    if len(plain) > limit:
        raise ProfileError(f"it has more than {limit >> 20} MiB")
    if not reader.eof:
        raise ProfileError("it is cut short")
    return plain


class _Profile:
    """A profile, of which a message is read when it is needed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._texts: list[tuple[int, int]] = []
        self._kinds: list[tuple[int, int]] = []
        self._samples: list[tuple[int, int]] = []
        self._functions: dict[int, int] = {}  # the index of each one's name
        self._places: dict[int, list[int]] = {}  # the functions at each
        self._default = 0
        lists = {_TEXT: self._texts, _SAMPLE_TYPE: self._kinds, _SAMPLE: self._samples}
        readers = {_LOCATION: self._place, _FUNCTION: self._function}
        for number, kind, first, second in fields(data, 0, len(data)):
            if number == _DEFAULT and kind == VARINT:
                self._default = first
            elif number in lists or number in readers:
                if kind != BYTES:
                    raise WireError(f"field {number} is no message")
                if number in lists:
                    lists[number].append((first, second))
                else:
                    readers[number](first, second)

    def top(self, count: int) -> Top:
        at, kind, unit = self._figure()
        flat, cumulative = Counter[str](), Counter[str]()
        names = {place: [self._name(each) for each in functions] for place, functions in self._places.items()}
        total = seen = 0
        for stack, value in self._stacks(at):
            total += value
            seen += sum(len(names[place]) for place in stack)
            if seen > MOST:
                raise ProfileError(f"its stacks have more than {MOST:,} functions")
            functions = [name for place in stack for name in names[place]] or [_NAMELESS]
            flat[functions[0]] += value
            for name in set(functions):
                cumulative[name] += value
        # NB: by name where two are alike, so that the same profile gives the same table.
        order = sorted(cumulative, key=lambda name: (-flat[name], -cumulative[name], name))
        rows = tuple(Row(name, flat[name], cumulative[name]) for name in order[:count])
        return Top(kind=kind, unit=unit, total=total, rows=rows)

    def _figure(self) -> tuple[int, str, str]:
        """Which of a sample's values counts, and what it is."""
        if not self._kinds:
            raise WireError("it has no kind of figure")
        named = [self._pair(first, second) for first, second in self._kinds]
        wanted = [index for index, (kind, _) in enumerate(named) if self._default and kind == self._default]
        at = wanted[0] if wanted else len(named) - 1
        return at, self._text(named[at][0]), self._text(named[at][1])

    def _stacks(self, at: int) -> Iterator[tuple[list[int], int]]:
        for begin, end in self._samples:
            stack: list[int] = []
            values: list[int] = []
            for number, kind, first, second in fields(self._data, begin, end):
                if number == 1:
                    stack += numbers(self._data, kind, first, second)
                elif number == 2:
                    values += numbers(self._data, kind, first, second)
            if len(values) != len(self._kinds):
                raise WireError("a sample has not one value of each kind")
            if value := signed(values[at]):
                yield stack, value

    def _place(self, begin: int, end: int) -> None:
        own, functions = 0, list[int]()
        for number, kind, first, second in fields(self._data, begin, end):
            if number == 1 and kind == VARINT:
                own = first
            elif number == 4 and kind == BYTES:
                functions.append(self._pair(first, second)[0])
        self._places[own] = functions

    def _function(self, begin: int, end: int) -> None:
        own, name = self._pair(begin, end)
        self._functions[own] = name

    def _pair(self, begin: int, end: int) -> tuple[int, int]:
        """The first two fields of a message, numbers both."""
        found = {number: first for number, kind, first, _ in fields(self._data, begin, end) if kind == VARINT}
        return found.get(1, 0), found.get(2, 0)

    def _name(self, function: int) -> str:
        return self._text(self._functions[function]) or _NAMELESS

    def _text(self, index: int) -> str:
        first, second = self._texts[index]
        # NB: before it is decoded, for a million functions may have one name of a megabyte.
        return self._data[first : min(second, first + _WIDEST * _LONGEST)].decode(errors="replace")[:_LONGEST]
