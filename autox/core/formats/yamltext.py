"""YAML and JSON as Helm and Kubernetes read them: the one reader for all that users, charts and clusters write.

PyYAML takes the text apart; what a scalar is (``yamlscalars``), how maps are merged and which keys may stand in one
map is decided here. A text that is JSON is read as JSON, with its escapes and its tabs. Duplicate keys are refused
unless asked for: Helm and kubectl silently take the last.

Rejected: PyYAML's SafeLoader (another language: ``1e-7`` is text to it and ``12:30:00`` the number 45000), ruamel.yaml
(YAML 1.2, which is a third one), and asking Helm (the runner's image would start a program for each file).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import yaml

from autox.core.formats.yamlscalars import NoScalarError, Scalar, key_of, plain, tagged, value_of
from autox.core.formats.yamlscanning import ScanningLoader

NODES_LIMIT: Final = 1_000_000
_DEPTH = 200
_MERGE = "<<"
_MERGE_TAGS = ("tag:yaml.org,2002:merge", "!")
_PLAIN = "plain"
_Read = tuple[Any, int]
T = TypeVar("T")


class YamlError(ValueError):
    """A text that is not YAML.

    Attributes:
        line: from 1, where it is known.
        problem: what is wrong; may repeat a piece of the text.
    """

    def __init__(self, problem: str, *, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class TooLargeError(YamlError):
    """More than ``NODES_LIMIT`` values, each alias counted as what it stands for."""


class DuplicateKeyError(YamlError):
    """A key that is given twice in one map; the second would silently win."""


def read_yaml(text: bytes | str, *, duplicates: bool = False) -> Any:
    """What stands in a text that is one document: maps with text as keys, lists, text, numbers, truth values, None.

    NB: aliases of one thing are the same object, so that the answer may have to be left as it is.

    Args:
        text: YAML or JSON; UTF-8 if it is bytes.
        duplicates: whether the last of several values of a key counts, as for kubectl; otherwise that is an error.

    Raises:
        YamlError: it is not YAML, more than one document, or too large.
    """
    found = read_documents(text, duplicates=duplicates)
    if len(found) > 1:
        raise YamlError("there is more than one document")
    return found[0] if found else None


def read_documents(text: bytes | str, *, duplicates: bool = False) -> list[Any]:
    """The same for a text of any number of documents.

    Raises:
        YamlError: one is not YAML, or is too large.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise YamlError("it is not UTF-8") from error
    try:
        if decoded.lstrip()[:1] in {"{", "["}:
            try:
                return [_json(decoded, duplicates=duplicates)]
            except json.JSONDecodeError:
                pass  # YAML begins like that, too
        return [_Reading(duplicates=duplicates).document(node) for node in _composed(decoded)]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise YamlError(error.problem or "it cannot be read", line=line) from error
    except yaml.YAMLError as error:
        raise YamlError("a character in it cannot stand in YAML") from error
    except RecursionError as error:
        raise YamlError("it is nested too deep") from error


def write_yaml(value: Any) -> str:
    """A value as YAML that ``read_yaml`` and Helm read as that value, keys in order.

    Args:
        value: as good as JSON.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100)


class _Loader(ScanningLoader):
    """Composes nodes, and leaves it to us what a scalar is."""

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        is_alias = isinstance(event, yaml.AliasEvent)
        if not is_alias:
            # NB: an anchor may be given twice; an alias is of the last one before it.
            self.anchors.pop(event.anchor, None)
        node = super().compose_node(parent, index)
        if is_alias and isinstance(node, yaml.SequenceNode) and isinstance(index, yaml.Node) and _is_merge(index):
            # NB: Go takes a list of maps here, but not by another name.
            raise yaml.composer.ComposerError(None, None, "what is merged is no map", event.start_mark)
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        node = super().compose_scalar_node(anchor)
        if event.tag is not None:
            node.tag = event.tag
        elif event.implicit[0]:
            node.tag = _PLAIN
        else:
            node.tag = ""
        return node


def _composed(text: str) -> Iterator[yaml.Node]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    finally:
        loader.dispose()


class _Reading:
    """One document: what its nodes are, each once however many aliases it has."""

    def __init__(self, *, duplicates: bool) -> None:
        self._duplicates = duplicates
        self._known: dict[int, _Read] = {}
        self._open: set[int] = set()

    def document(self, node: yaml.Node) -> Any:
        """What the document is."""
        value, _ = self._read(node)
        return value

    def _read(self, node: yaml.Node) -> _Read:
        """A value, and of how many it is made with each alias counted as what it stands for."""
        if id(node) in self._known:
            return self._known[id(node)]
        if id(node) in self._open:
            raise YamlError("an alias stands inside of what it stands for", line=_line(node))
        if len(self._open) > _DEPTH:
            raise YamlError("it is nested too deep", line=_line(node))
        self._open.add(id(node))
        found: _Read
        if isinstance(node, yaml.ScalarNode):
            found = self._scalar(node, value_of), 1
        elif isinstance(node, yaml.SequenceNode):
            items = [self._read(each) for each in node.value]
            found = [value for value, _ in items], 1 + sum(size for _, size in items)
        elif isinstance(node, yaml.MappingNode):
            found = self._map(node)
        self._open.discard(id(node))
        if found[1] > NODES_LIMIT:
            raise TooLargeError("its aliases make it too large", line=_line(node))
        self._known[id(node)] = found
        return found

    def _map(self, node: yaml.MappingNode) -> _Read:
        found: dict[str, Any] = {}
        own: set[str] = set()
        size = 1
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                # NB: in the order of the text, as Go does it: what is merged below a key wins over it.
                for value, each in self._merged(value_node):
                    found.update(value)
                    size += each
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a map or a list is no key of a map", line=_line(key_node))
            key = self._scalar(key_node, key_of)
            if key in own and not self._duplicates:
                raise DuplicateKeyError(f"key {key!r} is given twice", line=_line(key_node))
            own.add(key)
            found[key], each = self._read(value_node)
            size += each
        return found, size

    def _merged(self, node: yaml.Node) -> Iterator[_Read]:
        """The maps that are merged, the strongest last."""
        nodes = reversed(node.value) if isinstance(node, yaml.SequenceNode) else (node,)
        for each in nodes:
            if not isinstance(each, yaml.MappingNode):
                raise YamlError("what is merged is no map", line=_line(each))
            yield self._read(each)

    def _scalar(self, node: yaml.ScalarNode, use: Callable[[Scalar], T]) -> T:
        try:
            if node.tag == _PLAIN:
                return use(plain(node.value))
            node.value.encode()
            return use(tagged(node.tag, node.value) if node.tag else node.value)
        except NoScalarError as error:
            raise YamlError(f"{node.value[:40]} {error}", line=_line(node)) from error
        except UnicodeEncodeError as error:
            raise YamlError("half of a character cannot stand in YAML", line=_line(node)) from error


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == _MERGE and node.tag in {_PLAIN, *_MERGE_TAGS}


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line


def _json(text: str, *, duplicates: bool) -> Any:
    """What JSON is.

    Raises:
        json.JSONDecodeError: it is none; it may be YAML.
        YamlError: a key is given twice.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found) and not duplicates:
            twice = next(key for number, (key, _) in enumerate(found) if key in {other for other, _ in found[:number]})
            raise DuplicateKeyError(f"key {twice!r} is given twice")
        return made

    def number(digits: str) -> Scalar:
        read = plain(digits)
        return refuse(digits) if isinstance(read, str) else value_of(read)

    def refuse(word: str) -> Scalar:
        raise json.JSONDecodeError(f"{word[:20]} is no number", text, 0)

    value = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=refuse)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise YamlError("half of a character cannot stand in JSON") from error
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes each text that would be read as something else, and shares nothing by aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_text = isinstance(plain(text), str) and text != _MERGE
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_text else "'")


_Dumper.add_representer(str, _text)
