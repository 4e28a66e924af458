"""``cluster`` of a matrix: how a local control plane is started, in the words of ``autox cluster up --set``.

A flag is what ``--set COMPONENT.flags.FLAG=VALUE`` makes of it, as text; numbers and booleans may be written as such.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from autox.api.documents import Document
from autox.api.fields import NonEmpty, Shape

FlagName = Annotated[
    str, Shape(pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*", most=100, what="a flag without its leading dashes")
]
VariableName = Annotated[str, Shape(pattern=r"[A-Za-z_][A-Za-z0-9_]*", most=100, what="the name of a variable")]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, int | float | str) or value == "":
        raise ValueError("must be text, a number, true or false")
    return str(value)


Setting = Annotated[Any, AfterValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Of a flag or a variable; what is read is text."""


class ComponentSection(Document):
    """How a component is started, beside what autox always gives it."""

    flags: dict[FlagName, Setting] = Field(
        default_factory=dict, description="Command-line flags, without leading dashes."
    )
    env: dict[VariableName, Setting] = Field(default_factory=dict, description="Environment variables.")


class ClusterSection(Document):
    """A local control plane, without nodes of its own: the load brings virtual ones."""

    etcd: ComponentSection = ComponentSection()
    api_server: ComponentSection = ComponentSection()
    controller_manager: ComponentSection = ComponentSection()
    scheduler: ComponentSection = ComponentSection()
    binaries: Annotated[
        NonEmpty | None,
        Field(description="A directory with programs of other versions; relative to the document's folder."),
    ] = None

    def settings(self) -> dict[str, str]:
        """As ``autox cluster up --set`` takes them."""
        return {
            f"{component}.{kind}.{name}": value
            for component, each in self.model_dump(by_alias=True, exclude={"binaries"}).items()
            for kind, values in each.items()
            for name, value in values.items()
        }
