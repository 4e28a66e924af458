"""A compared matrix for terminals and CI logs: 80 columns, what differs first."""

from collections.abc import Iterator, Sequence

from autox.model.comparison import Answer
from autox.report.comparedsections import ComparedDocument, ContrastTable, FindingRow
from autox.report.legible import columns, fitted, wrapped

WIDTH = 80  # columns
_GAP = "  "
_METRIC, _VARIANT = 44, 32  # columns of a name in a table, at the most


def to_text(document: ComparedDocument) -> str:
    """All lines, none wider than 80 columns, ending with a line break."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: ComparedDocument) -> Iterator[str]:
    yield from wrapped(f"{document.headline.word}: {document.title}, {', '.join(document.summary)}", WIDTH)
    yield from wrapped(document.sentence, WIDTH)
    for note in document.notes:
        yield from wrapped(note, WIDTH)
    yield ""
    yield from _medians(document)
    for table in document.contrasts:
        yield ""
        yield from _contrast(table)


def _medians(document: ComparedDocument) -> Iterator[str]:
    """The medians of all variants, as many beside each other as there is room for."""
    yield "The medians of each variant's trials"
    first = ["METRIC", *(fitted(each.metric, _METRIC) for each in document.metrics)]
    names = [fitted(each, _VARIANT) for each in document.variants]
    widths = [
        max(map(columns, (name, *(each.medians[number] for each in document.metrics))))
        for number, name in enumerate(names)
    ]
    for part in _fitting(widths, WIDTH - max(map(columns, first)) - len(_GAP)):
        cells = [names, *(each.medians for each in document.metrics)]
        yield ""
        yield from _table([(name, *(row[number] for number in part)) for name, row in zip(first, cells, strict=True)])


def _fitting(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    part: list[int] = []
    taken = 0
    for number, width in enumerate(widths):
        if part and taken + width + len(_GAP) > room:
            yield part
            part, taken = [], 0
        part.append(number)
        taken += width + len(_GAP)
    if part:
        yield part


def _contrast(table: ContrastTable) -> Iterator[str]:
    yield from wrapped(f"{table.title}: {table.pairs}", WIDTH)
    for answer in Answer:
        if rows := table.having(answer):
            yield f" {answer.value}"
            yield from _findings(rows)


def _findings(rows: Sequence[FindingRow]) -> Iterator[str]:
    cells = [(each.metric, each.effect, each.interval, each.said) for each in rows]
    lines = list(_table(cells, indent=2))
    if all(columns(line) <= WIDTH for line in lines):
        yield from lines
        return
    for row in rows:
        yield from (f"  {line}" for line in wrapped(row.metric, WIDTH - 2))
        told = ", ".join(filter(None, (row.effect, row.interval, row.said)))
        yield from (f"    {line}" for line in wrapped(told, WIDTH - 4))


def _table(rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        padded = (f"{cell}{' ' * (width - columns(cell))}" for cell, width in zip(row, widths, strict=True))
        yield f"{' ' * indent}{_GAP.join(padded)}".rstrip()
