"""The functions that took the most, as ``go tool pprof -top`` tells them, of profiles that may be anything."""

import gzip
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.core.formats import pprof
from autox.core.formats.pprof import ProfileError, Row, top
from tests.profiles.pprofs import Stack, message, number, packed, plain, varint

SAMPLES: list[tuple[Stack, tuple[int, int]]] = [
    ((("mallocgc",), ("append",), ("main",)), (1, 10)),
    ((("inlined", "loop"), ("main",)), (2, 30)),
    ((("loop",), ("loop",), ("main",)), (1, 20)),
    ((("append",), ("main",)), (1, 20)),
]
"""What a program did: ``inlined`` is a part of ``loop``, which calls itself."""


def test_the_functions_that_took_the_most() -> None:
    """Flat is the leaf's, inlined or not; cumulative counts a function once in a stack, however deep it recurses."""
    found = top(packed(SAMPLES), count=20)

    assert (found.kind, found.unit, found.total) == ("cpu", "nanoseconds", 80)
    assert found.rows == (
        Row("inlined", 30, 30),
        Row("loop", 20, 50),
        Row("append", 20, 30),
        Row("mallocgc", 10, 10),
        Row("main", 0, 80),
    )
    assert top(packed(SAMPLES), count=2).rows == found.rows[:2]


def test_the_kind_of_figure_is_the_default() -> None:
    """That of memory has four kinds, of which the one in use counts; a default that is none is the last."""
    kinds = (("alloc_space", "bytes"), ("inuse_space", "bytes"))
    for default, total in (("alloc_space", 5), ("", 70), ("other", 70)):
        found = top(packed([((("f",),), (5, 70))], kinds=kinds, default=default), count=1)
        assert (found.unit, found.total) == ("bytes", total)


def test_odd_but_true_profiles() -> None:
    """No sample, a stack without a place, a function without a name, numbers one by one, fields of later versions."""
    assert top(packed([]), count=5).rows == ()
    assert top(packed([((), (1, 5))]), count=5).rows == (Row("(unknown)", 5, 5),)
    assert top(packed([((("",),), (1, 5))]), count=5).rows == (Row("(unknown)", 5, 5),)
    assert top(packed([((("f",),), (0, 0))]), count=5).rows == ()
    assert top(packed([((("f",),), (1, -5))]), count=5).rows == (Row("f", -5, -5),)
    single = plain([((("f",),), (1, 7))]) + message(2, number(1, 1), number(2, 1), number(2, 300))
    later = varint(99 << 3 | 1) + bytes(8) + varint(98 << 3 | 5) + bytes(4) + message(97, b"?") + number(96, 1)
    assert top(gzip.compress(single + later), count=5).total == 307


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is cut short"),
        (b"Could not enable CPU profiling", "it is not gzip"),
        (packed(SAMPLES)[:-9], "it is cut short"),
        (gzip.compress(plain(SAMPLES)[:-3]), "a field goes beyond its message"),
        (gzip.compress(b""), "it has no kind of figure"),
        (gzip.compress(b"\xff" * 11), "a number does not end"),
        (gzip.compress(b"\x00\x01"), "a field has no number"),
        (gzip.compress(b"\x0b"), "a field has the wire type 3"),
        (gzip.compress(number(6, 5)), "field 6 is no message"),
        (packed([((("f",),), (1,))]), "a sample has not one value of each kind"),
        (gzip.compress(plain([]) + message(2, message(1, varint(9)), message(2, b"\1\1"))), "what it does not have"),
        (gzip.compress(plain([]) + message(5, number(1, 1), number(2, 99))), None),
        (gzip.compress(plain(SAMPLES) + message(4, number(1, 1), message(4, number(1, 99)))), "what it does not have"),
        (gzip.compress(plain(SAMPLES) + message(2, varint(1 << 3 | 5) + bytes(4))), "a number is no varint"),
        (gzip.compress(bytes((1 << 20) + 1)), "more than 1 MiB"),
    ],
    # NB: not the bytes themselves: gzip puts the time into them, and processes of tests agree on names of tests.
    ids=lambda each: f"{len(each)} bytes" if isinstance(each, bytes) else str(each),
)
def test_what_is_no_profile(data: bytes, said: str | None) -> None:
    """It says why, and takes no more memory than a profile may; what nobody refers to does no harm."""
    if said is None:
        assert top(data, count=5, limit=1 << 20).rows == ()
        return
    with pytest.raises(ProfileError, match=said):
        top(data, count=5, limit=1 << 20)


def test_few_bytes_are_not_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of many functions in a stack of many places would be the product of both; a name may be a megabyte."""
    monkeypatch.setattr(pprof, "MOST", 1_000)
    deep = (("f",) * 40,) * 26
    with pytest.raises(ProfileError, match="more than 1,000 functions"):
        top(packed([(deep, (1, 1))]), count=5)

    assert top(packed([((("ä" * (1 << 20),),), (1, 1))]), count=1).rows == (Row("ä" * 200, 1, 1),)


NAMES = st.sampled_from("abcde")
STACKS = st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=5)


@settings(max_examples=60)
@given(st.lists(st.tuples(STACKS, st.tuples(st.integers(0, 9), st.integers(1, 2**62))), max_size=8))
def test_any_stacks(samples: list[tuple[Stack, tuple[int, int]]]) -> None:
    """Sums of samples and nothing else: the flat values are all of the total, the largest first."""
    flat, cumulative = Counter[str](), Counter[str]()
    for stack, (_, value) in samples:
        functions = [name for place in stack for name in place]
        flat[functions[0]] += value
        for name in set(functions):
            cumulative[name] += value

    found = top(packed(samples), count=20)

    assert {row.function: (row.flat, row.cumulative) for row in found.rows} == {
        name: (flat[name], cumulative[name]) for name in cumulative
    }
    assert sum(row.flat for row in found.rows) == found.total
    assert [row.flat for row in found.rows] == sorted((row.flat for row in found.rows), reverse=True)


@settings(max_examples=200)
@given(
    st.binary(max_size=80) | st.integers(0, 200).flatmap(lambda at: st.binary(max_size=4).map(lambda new: (at, new)))
)
def test_any_bytes(spoilt: bytes | tuple[int, bytes]) -> None:
    """Whatever a program sends is a table or an error of ours, and nothing else."""
    whole = plain(SAMPLES)
    data = spoilt if isinstance(spoilt, bytes) else whole[: spoilt[0]] + spoilt[1] + whole[spoilt[0] + 1 :]
    for each in (data, gzip.compress(data)):
        with suppress(ProfileError):
            assert len(top(each, count=3).rows) <= 3
