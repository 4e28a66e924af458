"""What public functions say of what they take."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "autox").rglob("*.py"))
MANY = 3
"""Parameters, from which on their names do not explain themselves."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public(tree: ast.Module) -> Iterator[Function]:
    """The functions of a module and the methods of its classes that others may call, constructors included."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, Function) and (method.name == "__init__" or not method.name.startswith("_")):
                    yield method


def is_command(function: Function) -> bool:
    """Click shows its docstring to users, and each option has a help of its own."""
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "command"
        for each in function.decorator_list
    )


def parameters(function: Function) -> list[str]:
    """Their names, as they are written."""
    taken = function.args
    plain = [*taken.posonlyargs, *taken.args, taken.vararg, *taken.kwonlyargs, taken.kwarg]
    return [each.arg for each in plain if each is not None and each.arg not in ("self", "cls")]


def says_what_it_takes(function: Function) -> bool:
    """By a line for each in its order, or by naming what has one: a port, a named constructor, a library's class."""
    said = ast.get_docstring(function) or ""
    if said.startswith("See ``"):
        return True
    _, _, rest = said.partition("\nArgs:\n")
    section = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^    \*{0,2}(\w+):", section, re.MULTILINE) == parameters(function)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_parameters_are_explained(module: Path) -> None:
    """Whoever calls a public function of three parameters or more can read what each is, and in which unit."""
    silent = [
        f"{function.name}, line {function.lineno}"
        for function in public(ast.parse(module.read_text()))
        if len(parameters(function)) >= MANY and not is_command(function) and not says_what_it_takes(function)
    ]

    assert silent == []
