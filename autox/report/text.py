"""The report for terminals and CI logs: 80 columns, plain unless colour is asked for, the verdict on the first line."""

from collections.abc import Iterable, Iterator, Sequence

from autox.report.charts import Profile, profile
from autox.report.graphs import sparks
from autox.report.legible import columns, fitted, wrapped
from autox.report.quantities import duration, quantity
from autox.report.sections import Breakdown, Document, Fact, GraphTable, Look, Loops, Mark, MetricTable, SLORow, TaskRow

WIDTH = 80  # columns
_MOST_ROWS = 40  # of one table; the rest is in the other forms
_MOST_LOOPS = 12
_GAP = "  "
_SPARKS = 50  # columns
_LEVELS = "▁▂▃▄▅▆▇█"
_PLAIN = "\x1b[0m"
_COLOURS = {
    Look.PASS: "\x1b[32m",
    Look.FAIL: "\x1b[31m",
    Look.ERROR: "\x1b[31m",
    Look.WARN: "\x1b[33m",
    Look.UNKNOWN: "\x1b[35m",
    Look.RUNNING: "\x1b[36m",
}
_SIGNS = {Look.PASS: ".", Look.FAIL: "F", Look.ERROR: "E", Look.WARN: "W", Look.UNKNOWN: "?"}

_Cell = str | Mark
_Row = Sequence[_Cell]


def to_text(document: Document, *, colour: bool = False) -> str:
    """All lines, none wider than 80 columns, ending with a line break.

    Args:
        document: what to show.
        colour: whether the reader's terminal understands ANSI colours.
    """
    return "\n".join(_Page(colour=colour).lines(document)) + "\n"


class _Page:
    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def lines(self, document: Document) -> Iterator[str]:
        headline = document.headline
        broke, *rest = headline.story or (Fact(name="", value=headline.sentence),)
        yield from self._led(headline.verdict, broke.value)
        yield ""
        yield from _story(rest)
        reason = (f"reason {headline.reason}",) if headline.reason else ()
        yield from _paragraph(", ".join((headline.title or "local run", *headline.summary, *reason)))
        if document.notice:
            yield ""
            yield from _paragraph(document.notice)
        yield from self._slos(document)
        if document.loops is not None:
            yield from self._loops(document.loops)
        yield from self._tasks(document.tasks)
        for table in document.metrics:
            yield from self._metrics(table)
        for breakdown in document.breakdowns:
            yield from self._breakdown(breakdown)
        for distribution in document.distributions:
            yield from _headed(f"{distribution.title}: {distribution.note}")
            yield from _paragraph(_sparkline(profile(distribution, _SPARKS), distribution.unit), 2)
        for drawn in document.graphs:
            yield from self._graphs(drawn)
        yield from self._facts("What was tested", document.subject)
        yield from self._facts("On what", document.environment)
        for sentence in document.left_out:
            yield ""
            yield from _paragraph(sentence)

    def _slos(self, document: Document) -> Iterator[str]:
        yield from _headed("SLOs")
        yield from _paragraph(document.without_slos, 2)
        if document.slos:
            yield from self._slo_rows(document.slos)

    def _slo_rows(self, rows: Sequence[SLORow]) -> Iterator[str]:
        header = ("VERDICT", "METRIC", "LIMIT", "OBSERVED", "DISTANCE")
        cells: list[_Row] = [(row.verdict, row.metric, row.limit, row.observed, row.distance) for row in rows]
        if _fit([header, *cells]):
            yield from self._table(header, cells)
        else:
            for row in rows:
                against = ", ".join(part for part in (row.observed, f"limit {row.limit}", row.distance) if part)
                yield from self._led(row.verdict, row.metric, 2)
                yield from _paragraph(against, 4)
        for row in rows:
            if row.observed_value is None or row.verdict.look is Look.PASS:
                yield from _paragraph(row.message, 4)
            if row.demand:
                yield from _paragraph(f"{row.metric} is {row.demand}", 4)

    def _loops(self, loops: Loops) -> Iterator[str]:
        yield from _headed(f"Loops: {loops.summary}")
        yield from _paragraph(", ".join(f"{mark.word} {number}" for mark, number in loops.totals), 2)
        strip = "".join(_SIGNS.get(row.verdict.look, "?") for row in loops.rows)
        yield from (f"  {strip[start : start + 70]}" for start in range(0, len(strip), 70))
        odd = [row for row in reversed(loops.rows) if row.verdict.look is not Look.PASS]
        for row in odd[:_MOST_LOOPS]:
            yield from self._led(row.verdict, f"loop {row.number}, {row.started}, {row.duration}: {row.message}", 2)
        yield from _more(len(odd) - _MOST_LOOPS)

    def _tasks(self, tasks: Sequence[TaskRow]) -> Iterator[str]:
        yield from _headed("Tasks")
        for number, task in enumerate(tasks, start=1):
            head = f"  {number}. {fitted(task.name, 40)}  "
            tail = f"  {task.duration}" if task.duration else ""
            yield f"{head}{self._painted(task.state)}{tail}"
            sentences = (task.message, f"its figures must not be believed: {task.invalid}" if task.invalid else "")
            for sentence in (*sentences, *(f"- {note}" for note in task.notes)):
                yield from _paragraph(sentence, 5)

    def _metrics(self, table: MetricTable) -> Iterator[str]:
        yield from _headed(f"Metrics of {table.title}")
        shown = table.rows[:_MOST_ROWS]
        cells = [("METRIC", "VALUE", "MEANING"), *((row.name, row.value, row.help) for row in shown)]
        # NB: half a sentence on what a metric means is no help; the other forms have the whole of it.
        header, *rows = cells if _fit(cells) else [cell[:2] for cell in cells]
        yield from self._table(header, rows)
        yield from _more(len(table.rows) - len(shown))

    def _breakdown(self, table: Breakdown) -> Iterator[str]:
        yield from _headed(f"{table.title}, highest first")
        shown = table.rows[:_MOST_ROWS]
        yield from self._table(("", *table.columns), [[row.name, *row.values] for row in shown])
        yield from _more(len(table.rows) - len(shown))

    def _graphs(self, table: GraphTable) -> Iterator[str]:
        began, ended = table.graphs[0].span
        unknown = ", · is unknown" if any(each.gaps for each in table.graphs) else ""
        yield from _headed(f"{table.title} over time, {duration(began)} to {duration(ended)} of its load{unknown}")
        prefix = f"{table.title}/"
        yield from self._table(
            (), [(each.title.removeprefix(prefix), sparks(each), each.range) for each in table.graphs]
        )

    def _facts(self, title: str, facts: Sequence[Fact]) -> Iterator[str]:
        if facts:
            yield from _headed(title)
            yield from self._table((), [[fact.name, fact.value] for fact in facts])

    def _table(self, header: Sequence[str], rows: Sequence[_Row]) -> Iterator[str]:
        """Columns aligned by spaces; the widest give way until all fit, and show an ellipsis for it."""
        lines: list[_Row] = [header, *rows] if header else list(rows)
        if not lines:
            return
        widths = _widths(lines)
        for line in lines:
            cells = (self._cell(cell, width) for cell, width in zip(line, widths, strict=True))
            yield f"  {_GAP.join(cells)}".rstrip()

    def _cell(self, cell: _Cell, width: int) -> str:
        text = fitted(_word(cell), width)
        padding = " " * (width - columns(text))
        return (self._painted(cell) if isinstance(cell, Mark) and text == cell.word else text) + padding

    def _led(self, mark: Mark, text: str, margin: int = 0) -> Iterator[str]:
        """A paragraph behind a word, which may have invisible colour."""
        indent = margin + columns(mark.word) + len(_GAP)
        first, *rest = _paragraph(text or "-", indent)
        yield f"{' ' * margin}{self._painted(mark)}{_GAP}{first[indent:]}"
        yield from rest

    def _painted(self, mark: Mark) -> str:
        colour = _COLOURS.get(mark.look, "") if self._colour else ""
        return f"{colour}{mark.word}{_PLAIN}" if colour else mark.word


def _story(facts: Sequence[Fact]) -> Iterator[str]:
    """Each below the other, its name in a column of its own."""
    indent = max((columns(fact.name) for fact in facts), default=0) + len(_GAP)
    for fact in facts:
        first, *more = _paragraph(fact.value, indent)
        yield f"{fact.name}{first[columns(fact.name) :]}"
        yield from more
    if facts:
        yield ""


def _sparkline(shape: Profile, unit: str) -> str:
    """The shape of a distribution in one line, between its ends."""
    most = max(shape.shares)
    sparks = (_LEVELS[min(7, int(8 * share / most))] if share > 0 else "_" for share in shape.shares)
    scale = " (log)" if shape.is_log else ""
    return f"{quantity(shape.low, unit)} {''.join(sparks)} {quantity(shape.high, unit)}{scale}"


def _word(cell: _Cell) -> str:
    return cell.word if isinstance(cell, Mark) else cell


def _fit(lines: Sequence[_Row]) -> bool:
    return sum(_needs(lines)) <= _room(len(lines[0]))


def _needs(lines: Sequence[_Row]) -> list[int]:
    return [max(columns(_word(cell)) for cell in column) for column in zip(*lines, strict=True)]


def _room(cells: int) -> int:
    return WIDTH - 2 - len(_GAP) * (cells - 1)


def _widths(lines: Sequence[_Row]) -> list[int]:
    widths, room = _needs(lines), _room(len(lines[0]))
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    return widths


def _headed(title: str) -> Iterable[str]:
    return "", *wrapped(title, WIDTH)


def _more(number: int) -> Iterable[str]:
    return (f"  and {number:,} more: autox report -o html",) if number > 0 else ()


def _paragraph(text: str, margin: int = 0) -> Iterator[str]:
    if text:
        yield from (f"{' ' * margin}{line}" for line in wrapped(text, WIDTH - margin))
