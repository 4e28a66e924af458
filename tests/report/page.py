"""Reads a report's HTML as strictly as nobody else does: every tag closed, in order, and everything collected."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "wbr", "br", "hr", "link", "img", "input"}
_SHAPES = {"path", "rect", "circle", "line", "use"}  # of SVG, closed at once


@dataclass
class Element:
    """One start tag with where it stands."""

    tag: str
    attributes: dict[str, str]
    inside: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A parsed page."""

    source: str
    elements: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert [element.tag for element in self._open] == []

    @property
    def text(self) -> str:
        """All that can be read, a line break removed by `wbr` included."""
        return "".join(self.words)

    def all(self, tag: str) -> list[Element]:
        """Each element of that name."""
        return [element for element in self.elements if element.tag == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(
            tag=tag, attributes={name: value or "" for name, value in attrs}, inside=tuple(e.tag for e in self._open)
        )
        self.elements.append(element)
        if tag not in _VOID:
            assert tag not in _SHAPES, f"<{tag}> is not closed"
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that has no content."""
        assert tag in _SHAPES, f"<{tag}/> is no HTML"
        self.elements.append(
            Element(
                tag=tag,
                attributes={name: value or "" for name, value in attrs},
                inside=tuple(e.tag for e in self._open),
            )
        )

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if self._open:
            self._open[-1].text += data
        if not self._open or self._open[-1].tag != "style":
            self.words.append(data)
