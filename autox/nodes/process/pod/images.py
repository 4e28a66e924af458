"""What an image is on this machine: a command, as the configuration of the node maps it.

There are no images here. A container runs when its command is an absolute path, or when its image is mapped:
then the mapping's entrypoint stands in for the image's, and its folders for the image's PATH.
"""

import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from autox.model.errors import StartError
from autox.model.nodes import ImageMapping

DEFAULT_PATH = tuple(
    Path(folder) for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
)


def mapping_of(image: str, mappings: Sequence[ImageMapping]) -> ImageMapping | None:
    """The first mapping whose glob matches the image, with or without its tag and digest."""
    undigested = image.partition("@")[0]
    folder, slash, last = undigested.rpartition("/")
    untagged = folder + slash + last.partition(":")[0]
    names = {image, undigested, untagged}
    return next((one for one in mappings if any(fnmatchcase(name, one.image) for name in names)), None)


def search_path(mapping: ImageMapping | None) -> tuple[Path, ...]:
    """The container's PATH: the folders of the mapping, then the usual ones."""
    return (*mapping.path, *DEFAULT_PATH) if mapping is not None else DEFAULT_PATH


def command_line(
    image: str, command: Sequence[str], args: Sequence[str], mapping: ImageMapping | None
) -> tuple[str, ...]:
    """What to execute: the container's command (else the entrypoint) and its args (else CMD), as Kubernetes joins them.

    Args:
        image: the container's, for messages.
        command: the container's, references expanded; empty where it has none.
        args: likewise.
        mapping: the one that fits the image, from ``mapping_of``; None if none does.

    Raises:
        StartError: the image is not mapped and the command is no absolute path (reason ``ErrImageNeverPull``);
            or there is nothing to execute (reason ``CreateContainerError``).
    """
    if mapping is None:
        if not command or not command[0].startswith("/"):
            raise StartError(
                f'image "{image}" is not mapped to a command of this machine, and a process node pulls no images',
                hint="Give the container a command with an absolute path, or map the image in the node's images.",
                reason="ErrImageNeverPull",
            )
        return (*command, *args)
    whole = (*command, *args) if command else (*mapping.entrypoint, *(args or mapping.cmd))
    if not whole or not whole[0]:
        raise StartError(
            f'image "{image}" is mapped without an entrypoint and cmd, and its container has no command',
            hint="Give the container a command, or the mapping an entrypoint or cmd.",
            reason="CreateContainerError",
        )
    if "/" in whole[0]:
        return whole
    folders = mapping.path or DEFAULT_PATH
    # NB: what is not found is named all the same: its start then fails and is counted, as in any runtime.
    found = shutil.which(whole[0], path=":".join(map(str, folders))) or str(folders[0] / whole[0])
    return (found, *whole[1:])
