"""What a container of an image runs on this machine."""

from pathlib import Path

import pytest

from autox.model.errors import StartError
from autox.model.nodes import ImageMapping
from autox.nodes.process.pod.images import command_line, mapping_of, search_path

MAPPINGS = [
    ImageMapping(image="busybox", entrypoint=("/bin/sh",)),
    ImageMapping(image="*/autox:1.*", entrypoint=("/usr/bin/python3", "-m", "autox")),
    ImageMapping(image="registry:5000/app", entrypoint=("/app",)),
    ImageMapping(image="*", path=(Path("/bin"),)),
]


@pytest.mark.parametrize(
    ("image", "index"),
    [
        ("busybox", 0),
        ("busybox:1.36", 0),
        ("busybox:1.36@sha256:abc", 0),
        ("busybox@sha256:abc", 0),
        ("busyboxes", 3),
        ("ghcr.io/x/autox:1.2", 1),
        ("ghcr.io/x/autox:1.2@sha256:abc", 1),
        ("ghcr.io/x/autox:2.0", 3),
        ("registry:5000/app", 2),
        ("registry:5000/app:v1", 2),
        ("registry:5000/app@sha256:abc", 2),
    ],
)
def test_first_matching_glob_counts(image: str, index: int) -> None:
    """A glob without a tag matches every tag and digest; one with a tag only that."""
    assert mapping_of(image, MAPPINGS) is MAPPINGS[index]


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        ((), (), ("/entry", "point", "default")),
        ((), ("a", "b"), ("/entry", "point", "a", "b")),
        (("/cmd",), (), ("/cmd",)),
        (("/cmd", "x"), ("a",), ("/cmd", "x", "a")),
        (("sh",), ("-c", "true"), ("/bin/sh", "-c", "true")),
        (("./sh",), (), ("./sh",)),
        (("no-such-command",), (), ("/no/such/dir/no-such-command",)),
    ],
)
def test_command_and_args(command: tuple[str, ...], args: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Command replaces the entrypoint, args follow; a bare name is looked up in the mapping's folders."""
    folders = (Path("/no/such/dir"), Path("/bin"))
    mapping = ImageMapping(image="*", entrypoint=("/entry", "point"), cmd=("default",), path=folders)

    assert command_line("image", command, args, mapping) == expected


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        ((), (), ("/bin/sh",)),
        ((), ("sleep", "3"), ("/bin/sleep", "3")),
        ((), ("sh", "-c", "true"), ("/bin/sh", "-c", "true")),
        (("sleep",), ("3",), ("/bin/sleep", "3")),
        (("sleep",), (), ("/bin/sleep",)),
        ((), ("/bin/echo", "sh"), ("/bin/echo", "sh")),
    ],
)
def test_args_without_an_entrypoint_are_the_command(
    command: tuple[str, ...], args: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """``kubectl run x --image=busybox -- sleep 3`` sleeps; it was ``sh sleep 3``, and busybox has no entrypoint."""
    mapping = ImageMapping(image="*busybox*", cmd=("sh",), path=(Path("/bin"),))

    assert command_line("busybox", command, args, mapping) == expected


def test_absolute_command_needs_no_mapping() -> None:
    """A container whose command is an absolute path runs whatever its image is."""
    assert command_line("any:1", ["/bin/true"], ["x"], None) == ("/bin/true", "x")


@pytest.mark.parametrize("command", [[], ["sh"], ["./sh"], [""]])
def test_unmapped_image_is_named(command: list[str]) -> None:
    """Without a mapping and an absolute command the error names the image and what to do."""
    with pytest.raises(StartError, match=r"ghcr.io/x:1") as caught:
        command_line("ghcr.io/x:1", command, ["x"], None)

    assert caught.value.reason == "ErrImageNeverPull"
    assert "map the image" in caught.value.hint


def test_nothing_to_execute() -> None:
    """A mapped image without an entrypoint needs a command."""
    with pytest.raises(StartError, match="no command") as caught:
        command_line("image", [], [], ImageMapping(image="*"))

    assert caught.value.reason == "CreateContainerError"


def test_search_path() -> None:
    """The mapping's folders lead the container's PATH."""
    assert search_path(ImageMapping(image="*", path=(Path("/opt/bin"),)))[:2] == (
        Path("/opt/bin"),
        Path("/usr/local/sbin"),
    )
    assert search_path(None)[-1] == Path("/bin")
