"""One text, one meaning: what autox reads is what Helm reads, asked of Helm itself."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from autox.core.experiments.merging import merge_values
from autox.core.formats.yamltext import DuplicateKeyError, YamlError, read_documents, read_yaml, write_yaml
from tests.yaml_reading.helm import REFUSED, Helm, alike

pytestmark = pytest.mark.integration

SCALARS = (
    *[
        r"1e-7",
        r"1E-7",
        r"1e+3",
        r"2e1",
        r"1.5e1",
        r"-1e-07",
        r"+1e1",
        r"1e400",
        r"-1e400",
        r"1e-400",
        r".5",
        r"5.",
        r"-.5",
        r".5e1",
        r".1e999",
        r"12:30:00",
        r"1:30",
        r"-1:30",
        r"190:20:30.15",
        r"0o17",
        r"0O17",
        r"0123",
        r"-0123",
        r"089",
        r"00",
        r"-0",
        r"+7",
        r"0x1F",
        r"0X1f",
        r"-0x1f",
        r"0b101",
        r"-0b101",
        r"0b-1",
        r"0b2",
        r"0o8",
        r"0x",
        r"1_000",
        r"1__0",
        r"_1",
        r"1_",
        r"0x_1",
        r"1_0.5_0",
        r"._5",
        r".5_0",
        r".5__0",
        r"1_0e1",
        r"y",
        r"Y",
        r"yes",
        r"Yes",
        r"yEs",
        r"n",
        r"no",
        r"NO",
        r"on",
        r"On",
        r"off",
        r"OFF",
        r"true",
        r"True",
        r"TRUE",
        r"tRUE",
        r"false",
        r".inf",
        r"-.INF",
        r"+.inf",
        r".nan",
        r".NaN",
        r"inf",
        r"nan",
        r"~",
        r"null",
        r"Null",
        r"nULL",
        r"2024-01-01",
        r"2024-1-1",
        r"2024-01-01T00:00:00Z",
        r"2024-13-01",
        r"<<",
        r"=",
        r"-",
        r"1.2.3",
        r"9007199254740993",
        r"9223372036854775807",
        r"9223372036854775808",
        r"-9223372036854775808",
        r"-9223372036854775809",
        r"18446744073709551615",
        r"18446744073709551616",
        r"+18446744073709551615",
        r"0x1ffffffffffffffff",
        r"1e21",
        r"1e20",
        r"'it''s'",
        r"'1e-7'",
        r'"1e-7"',
        r'"\x41\u00e4\U0001F600"',
        r"a#b",
        r"a:b",
        r"http://a/b?c=d",
    ],
    *("", "2024-01-01 10:00:00", "a b", "a\tb", "a #b", "! 12", "! '12'", "!own 12", "!!python/none x", "!!str 12"),
    *("!!int '3'", "!!int 3.5", "!!float 3", "!!float x", "!!bool yes", "!!bool 1", "!!null ''", "!!null x"),
    *("!!timestamp 2024-01-01", "!!timestamp x", "!!timestamp 2024-02-30", "!!timestamp 2024-1-1 1:2:3"),
    *("!!timestamp 2024-01-01T01:02:03", "!!timestamp 2024-01-01t01:02:03.5+02:00", "!!timestamp"),
    *("!!binary aGVsbG8=", "!!binary %"),
)
TEXTS = (
    "a: 1\n<<: {a: 2, b: 3}",
    "<<: {a: 2, b: 3}\na: 1",
    "<<: [{a: 1}, {a: 2, b: 3}]",
    "x: &x {a: 1}\ny: {<<: *x, b: 2}",
    "x: &x {a: 1}\ny:\n  <<: [*x, {c: 3}]\n  a: 4",
    "'<<': {a: 1}",
    "<<: 1",
    "<<:",
    "x: &x [1, 2]\ny: *x",
    "x: &x {a: *x}",
    "a: *absent",
    "{a: 1, a: 2}",
    "1: a\n'1': a",
    "? [a]\n: b",
    "? {a: b}\n: c",
    "? a\n: b",
    "~: a",
    ": a",
    "yes: a\n2: b\n1.10: c\n1e6: d\n0x10: e\n2024-01-01: f\n1e-7: g\n12345678.5: h\n1e40: i\n-1e-50: j",
    "a: |\n  b\n   c\nd: >-\n  e\n  f\n",
    "a: b\n  c\n\n  d",
    "a:\t1\nb: [1,\t2]\nc: d\t# e",
    "\ta: 1",
    "a:\n\tb: 1",
    "a: [b: c, d]",
    "a: {b, c: }",
    "a: [1:]",
    "a: {b:1}",
    "a: {url: http://x:80/y}",
    "a: {url: http://x/?y=z}",
    "a: !!set {b, c}",
    "a: !!omap [b: c]",
    "a: !own {b: !other [c]}",
    "%YAML 1.1\n---\na: 1",
    "--- {a: 1}",
    "\ufeffa: 1",
    "a: 1\r\nb: 2\r\n",
    "a: \x07",
    b'{"a": "\\ud83d\\ude00 \\u00e4"}'.decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16"),
    '{"a": 1e-07, "b": 2E1, "c": -0.0, "d": 1.0, "e": [true, null, "yes", "1e-7", "<<"]}',
    '{\n\t"a":\t[1,\n\t\t2]\n}',
    '{"a": 100000000000000000000000, "b": 9223372036854775808}',
    "# nothing",
    "",
    "x: &x [{a: 1}, {b: 2}]\ny: {<<: *x}",
    "x: &x [{a: 1}]\ny:\n  <<: [*x]",
    "x: &x {a: 1}\ny: {<<: [*x, *x]}",
    "! <<: {a: 1}",
    "! '<<': {a: 1}",
    "!own <<: {a: 1}",
    "<<: {a: 1}\n<<: {a: 2}",
    "a: &b 1\nc: &b 2\nd: *b",
    "a: &b [1]\nc: &b {d: 1}\ne: {<<: *b}",
    "&k a: 1\nb: *k",
    "%YAML 1.2\n---\na: 1",
    "%OWN x\n---\na: 1",
    "%TAG !e! tag:e,2000:\n---\na: !e!x 1",
    "a: |\t\n  b",
    "a: >\t#c\n  b",
    "a: |#c\n b",
    "a: |2-\n   b\n",
    "a: |+1\n  b\n\n",
    "a: |10\n b",
    'a: "\\/"',
    'a: "\\U0001F600\\e"',
    "a: 'x\n\n  y'",
    'a: {"b":1, c :2}',
    "a: [\n1\n, 2 #c\n]",
    "a: -.inf",
    "a: 123456789012345678901234567890",
)
PIECES = (
    *"00112233445566789_.eE+-xobaf:ynTZ~",
    *[
        "0x",
        "0o",
        "0b",
        "1e-7",
        "inf",
        ".inf",
        "nan",
        "null",
        "true",
        "yes",
        "on",
        "NO",
        "<<",
        "=",
        "2024-01-02",
        "12:30",
        "#",
        "/",
        "&",
        "*",
        "%",
        "@",
        "'",
        '"',
        "\\",
    ],
    " ",
)
PLACES = ("v: {}", "{}: v", "{{v: {}}}", "v: [{}]", "v: [a, {}, b]", "{{{}: v}}", "v:\n- {}\n- b\n", "v:\n  {}: w\n")
TAGS = ("v: !!int {}", "v: !!float {}", "v: !!str {}", "v: !!bool {}", "v: !!null {}", "v: !own {}")


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The chart."""
    return Helm(tmp_path_factory.mktemp("reading") / "chart")


def read(text: str) -> Any:
    """What autox makes of a text, numbers as Helm has them."""
    try:
        found = read_yaml(text, duplicates=True)
    except YamlError:
        return REFUSED
    return alike({} if found is None else found) if isinstance(found, dict | None) else REFUSED


def differing(helm: Helm, texts: list[str], *, reader: Callable[[str], Any] = read) -> dict[str, tuple[Any, Any]]:
    """The texts that are two things to two readers."""
    found = zip(texts, map(reader, texts), map(alike, helm.maps(texts)), strict=True)
    return {text: (ours, theirs) for text, ours, theirs in found if ours != theirs}


def test_scalars(helm: Helm) -> None:
    """``1e-7`` was text, ``12:30:00`` the number 45000, ``0o17`` text and a date no text: each is what Helm has."""
    texts = [place.format(scalar) for scalar in SCALARS for place in ("v: {}", "v:\n- {}\n", "{}: v")]

    assert differing(helm, [text for text in texts if text != ": v"]) == {}


def test_documents(helm: Helm) -> None:
    """Merged maps, aliases, tags, keys that are no text, tabs and JSON are what they are to Helm."""
    assert differing(helm, list(TEXTS)) == {}


@pytest.mark.parametrize("seed", range(3))
def test_generated_scalars(helm: Helm, seed: int) -> None:
    """Of thousands of made-up scalars, in every place of a text, none is two things."""
    draw = random.Random(seed)  # noqa: S311  - no secret
    made = {
        draw.choice(TAGS if turn % 5 == 0 else PLACES).format("".join(draw.choices(PIECES, k=draw.randint(1, 6))))
        for turn in range(3000)
    }

    assert differing(helm, sorted(made)) == {}


@pytest.mark.parametrize("seed", range(2))
def test_generated_documents(helm: Helm, seed: int) -> None:
    """What Python writes as YAML or JSON, and autox as YAML, is read as what it was by both."""
    draw = random.Random(seed)  # noqa: S311  - no secret
    values = [_value(draw, 3) for _ in range(300)]
    texts = [f"v: {json.dumps(value, ensure_ascii=False)}" for value in values]
    texts += [write_yaml({"v": value}) for value in values]

    assert differing(helm, texts) == {}
    assert [alike(read_yaml(text)["v"]) for text in texts] == [alike(value) for value in values * 2]


def test_a_file_of_values_is_read_alike(helm: Helm) -> None:
    """Case 02: the text that ``helm -f`` takes, several documents in it too, is no other thing in ``valuesFrom``."""
    text = "http: {url: http://a.b/get, qps: 1e1, payloadStr: 12:30:00}\nbig: 9007199254740993\n"
    several = f"{text}---\nhttp: {{qps: 2}}\n---\n"

    assert read_yaml(text)["http"] == {"url": "http://a.b/get", "qps": 10, "payloadStr": "12:30:00"}
    assert alike(read_yaml(text)) == alike(helm.values(text))
    assert alike(merge_values(each for each in read_documents(several) if each)) == alike(helm.values(several))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3", 3),
        ("x:\n- {a: 1, 'a': 2}", 2),
        ("1: a\n'1': b", 2),
        ("yes: a\ntrue: b", 2),
        ('{"a": 1, "a": 2}', None),
    ],
)
def test_a_key_given_twice_is_refused(text: str, line: int | None) -> None:
    """Helm silently takes the last, but one of the two was a mistake; the line is told."""
    with pytest.raises(DuplicateKeyError, match="is given twice") as caught:
        read_yaml(text)

    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("&a [*a]", "inside of what it stands for"),
        (
            "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]),
            "too large",
        ),
        ("[" * 5000, "nested too deep"),
        ("a: " + "[" * 300 + "]" * 300, "nested too deep"),
        ('{"a": "\\ud83d"}', "half of a character"),
        ('a: "\\ud83d"', "half of a character"),
        ("a: 1\n--- \nb: 2", "more than one document"),
        ("a: \x07", "a character in it"),
        (b"a: \xff", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said(text: str | bytes, told: str) -> None:
    """No text, whatever is in it, ends in anything but words."""
    with pytest.raises(YamlError, match=told):
        read_yaml(text)


def _value(draw: random.Random, depth: int) -> Any:
    """A made-up value."""
    if depth and draw.random() < 0.5:
        if draw.random() < 0.5:
            return [_value(draw, depth - 1) for _ in range(draw.randint(0, 3))]
        return {_word(draw): _value(draw, depth - 1) for _ in range(draw.randint(0, 3))}
    return draw.choice(
        (
            lambda: _word(draw),
            lambda: draw.choice((True, False, None)),
            lambda: draw.randint(-(2**63), 2**64 - 1),
            lambda: draw.randint(-100, 100),
            lambda: float(f"{draw.randint(-999, 999)}e{draw.randint(-30, 30)}"),
        )
    )()


def _word(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return draw.choice([scalar for scalar in SCALARS if "\t" not in scalar])
    return "".join(draw.choices((*PIECES, "ä", "\n", "😀", "{", "]", ","), k=draw.randint(0, 5)))
