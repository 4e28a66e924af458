"""Where a process of ours listens."""

import re
from dataclasses import dataclass

from autox.model.errors import ConfigurationError

_ADDRESS = re.compile(
    r"(?:(?P<host>[a-zA-Z0-9][-.a-zA-Z0-9]{0,252})|\[(?P<bare>[0-9a-fA-F:.]{2,45}(?:%\w{1,15})?)\]):(?P<port>[0-9]{1,5})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and a port.

    Attributes:
        host: a name or an address, without brackets.
        port: 0 for any that is free.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """What ``ADDRESS:PORT`` says.

    Raises:
        ConfigurationError: it says something else.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise ConfigurationError(f"{text[:80]!r} is no ADDRESS:PORT", hint="it looks like 127.0.0.1:8082")
    return Address(host=found["bare"] or found["host"], port=int(found["port"]))
