r"""PyYAML's scanner with the places of tabs and colons that Go's has, which Helm and Kubernetes read with.

Both come from libyaml. PyYAML forbids tabs where Go allows them (before a comment, behind a colon or a bar, inside of a
text without quotes), ends such a text at ``:]``, where Go does not, and takes what Go refuses: ``\/``, ``%YAML 1.2``
and directives that nobody knows. ``yamltext`` uses it.
"""

from typing import Any

import yaml

_BREAKS = "\r\n\x85\u2028\u2029"
_ENDS = f"\0 \t{_BREAKS}"


class ScanningLoader(yaml.SafeLoader):
    """Overrides some steps of the scanner; each is named and called as in PyYAML."""

    ESCAPE_REPLACEMENTS = {  # type: ignore[misc]  # noqa: RUF012  - as there
        key: value for key, value in yaml.SafeLoader.ESCAPE_REPLACEMENTS.items() if key != "/"
    }

    def scan_to_next_token(self) -> None:
        """Skip spaces, comments and line breaks; and tabs, unless they stand where a line is indented."""
        if self.index == 0 and self.peek() == "\ufeff":
            self.forward()
        while True:
            while self.peek() == " " or (self.peek() == "\t" and (self.flow_level or not self.allow_simple_key)):
                self.forward()
            if self.peek() == "#":
                while self.peek() not in f"\0{_BREAKS}":
                    self.forward()
            if not self._line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_directive(self) -> yaml.DirectiveToken:
        """A line that begins with a percent sign: the version of YAML, or a short form of tags."""
        found: yaml.DirectiveToken = super().scan_directive()
        if found.name != "TAG" and (found.name, found.value) != ("YAML", (1, 1)):
            problem = f"%{found.name} is no directive of YAML 1.1"
            raise yaml.scanner.ScannerError("", found.start_mark, problem, found.start_mark)
        return found

    def scan_block_scalar_indicators(self, start_mark: Any) -> tuple[bool | None, int | None]:  # noqa: ARG002
        """What stands right behind a bar: whether its last line breaks stay, and how far it is indented."""
        keeps: bool | None = None
        indent: int | None = None
        for _ in range(2):
            here = self.peek()
            if here in {"+", "-"} and keeps is None:
                keeps = here == "+"
                self.forward()
            elif here in set("123456789") and indent is None:
                indent = int(here)
                self.forward()
        return keeps, indent

    def scan_block_scalar_ignored_line(self, start_mark: Any) -> None:
        """What stands behind a bar or an angle bracket: blanks and a comment."""
        while self.peek() in " \t":
            self.forward()
        super().scan_block_scalar_ignored_line(start_mark)

    def scan_plain(self) -> yaml.ScalarToken:
        """A text without quotes; it ends at a comment, a colon with a blank behind it and, in brackets, at these."""
        chunks: list[str] = []
        start = end = self.get_mark()
        indent = self.indent + 1
        spaces: list[str] | None = []
        while self.peek() != "#":
            length = 0
            while not self._ends_plain(length):
                length += 1
            if length == 0:
                break
            self.allow_simple_key = False
            chunks += [*(spaces or ()), self.prefix(length)]
            self.forward(length)
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start)
            if not spaces or (not self.flow_level and self.column < indent):
                break
        return yaml.ScalarToken("".join(chunks), True, start, end)

    def _line_break(self) -> str:
        found: str = self.scan_line_break()  # type: ignore[no-untyped-call]
        return found

    def _ends_plain(self, at: int) -> bool:
        here = self.peek(at)
        return (
            here in _ENDS or (here == ":" and self.peek(at + 1) in _ENDS) or bool(self.flow_level and here in ",?[]{}")
        )

    def scan_plain_spaces(self, indent: int, start: Any) -> list[str] | None:
        """What stands between two words of a text without quotes; a line break is a space."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        blanks = self.prefix(length)
        self.forward(length)
        if self.peek() not in _BREAKS:
            return [blanks] if blanks else []
        first = self._line_break()
        self.allow_simple_key = True
        more: list[str] = []
        while True:
            if self.column == 0 and self.prefix(3) in {"---", "..."} and self.peek(3) in _ENDS:
                return None
            if self.peek() in _BREAKS:
                more.append(self._line_break())
            elif self.peek() == " " or (self.peek() == "\t" and self.column >= indent):
                self.forward()
            elif self.peek() == "\t":
                raise yaml.scanner.ScannerError("", start, "a tab stands where the line is indented", self.get_mark())
            else:
                return [*([first] if first != "\n" else [] if more else [" "]), *more]
