"""Profiles in a report: a table of each, with names that people say."""

from dataclasses import replace

import pytest

from autox.model.profiling import Profile, ProfileKind, ProfileMoment, ProfileRow
from autox.model.result import ExperimentResult
from autox.report.document import MOST_PROFILES, document
from autox.report.html import to_html
from autox.report.profiles import short
from autox.report.text import to_text
from tests.report.samples import density

CPU = Profile(
    component="apiserver",
    kind=ProfileKind.CPU,
    moment=ProfileMoment.LOAD,
    at=2.5,
    unit="s",
    total=4.0,
    rows=(
        ProfileRow(function="internal/runtime/syscall.Syscall6", flat=1.0, cumulative=1.25),
        ProfileRow(function="k8s.io/apiserver/pkg/server.(*x).<b>", flat=0.0, cumulative=4.0),
    ),
)


def profiled(*profiles: Profile) -> ExperimentResult:
    """A load test with these."""
    found = density()
    return replace(found, tasks=(replace(found.tasks[0], profiles=profiles), *found.tasks[1:]))


def test_a_table_of_each() -> None:
    """What each function took, alone and with all that it called, and which part of the whole that is."""
    [table] = [each for each in document(profiled(CPU)).breakdowns if "profile" in each.title]

    assert table.title == "density: cpu profile of apiserver, 4 s (load, 2.5 s after the load began)"
    assert table.columns == ("flat", "flat %", "cum", "cum %")
    assert [(row.name, row.values) for row in table.rows] == [
        ("syscall.Syscall6", ("1 s", "25.0%", "1.25 s", "31.2%")),
        ("server.(*x).<b>", ("0 s", "0.0%", "4 s", "100.0%")),
    ]


def test_they_are_in_every_form() -> None:
    """Names come from programs that may call themselves anything."""
    found = document(profiled(CPU))
    assert "  syscall.Syscall6  1 s   25.0%   1.25 s  31.2%\n" in to_text(found)
    assert "server.(*x).&lt;b&gt;" in to_html(found)


def test_odd_figures() -> None:
    """Of nothing there is no share; what is too much for a page is counted."""
    nothing = replace(CPU, total=0.0, unit="MiB")
    infinite = replace(CPU, total=float("inf"), rows=(ProfileRow(function="", flat=float("nan"), cumulative=1e308),))
    tables = [each for each in document(profiled(nothing, infinite)).breakdowns if "profile" in each.title]

    assert tables[0].rows[0].values[1::2] == ("", "")
    assert tables[1].rows[0].values[1::2] == ("", "")
    assert document(profiled(*[CPU] * (MOST_PROFILES + 1))).left_out == (
        "1 profile more: see the JSON form (autox report -o json)",
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("main.main", "main.main"),
        ("k8s.io/client-go/tools/cache.(*Reflector).Run.func1", "cache.(*Reflector).Run.func1"),
        (
            "sync/atomic.(*Pointer[go.shape.struct { a.b/c.D }]).Load",
            "atomic.(*Pointer[go.shape.struct { a.b/c.D }]).Load",
        ),
        ("slices.SortFunc[go.shape.[]a.b/c.D]", "slices.SortFunc[go.shape.[]a.b/c.D]"),
        ("", ""),
        ("/", ""),
        ("(a/b", "(a/b"),
    ],
)
def test_names_of_functions(name: str, said: str) -> None:
    """The path of a package is left out, and nothing of what follows it."""
    assert short(name) == said
