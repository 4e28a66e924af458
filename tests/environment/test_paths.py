"""Mount paths in arguments and variables lead to where the volumes really are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.nodes.process.volumes.mounting import MountPaths

PATHS = MountPaths({"/etc/x": "/real/x", "/etc/x/deep": "/real/deep", "/data/": "/real/data", "/a.b": "/real/ab"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/etc/x", "/real/x"),
        ("/etc/x/", "/real/x/"),
        ("/etc/x/app.yaml", "/real/x/app.yaml"),
        ("/etc/x/deep/er", "/real/deep/er"),
        ("/etc/x/deeper", "/real/x/deeper"),
        ("/etc/xy", "/etc/xy"),
        ("/etc/x-y", "/etc/x-y"),
        ("/etc/x.d", "/etc/x.d"),
        ("/srv/etc/x", "/srv/etc/x"),
        ("etc/x", "etc/x"),
        ("--config=/etc/x/a", "--config=/real/x/a"),
        ("/etc/x:/etc/x/deep", "/real/x:/real/deep"),
        ("a,/etc/x,/data", "a,/real/x,/real/data"),
        ("cat '/etc/x/a' \"/data/b\"", "cat '/real/x/a' \"/real/data/b\""),
        ("cat /etc/x/a>/data/b;ls /data", "cat /real/x/a>/real/data/b;ls /real/data"),
        ("echo\n/data\n", "echo\n/real/data\n"),
        ("$(cat /data/a)", "$(cat /real/data/a)"),
        ("http://host/etc/x", "http://host/etc/x"),
        ("file:///etc/x", "file:///etc/x"),
        ("/axb", "/axb"),
        ("/a.b/c", "/real/ab/c"),
        ("", ""),
    ],
)
def test_rewriting(text: str, expected: str) -> None:
    """A mount path counts as a whole path prefix, the longest first, and nowhere else."""
    assert PATHS.rewrite(text) == expected


def test_no_mounts() -> None:
    """A container without mounts keeps its arguments."""
    assert MountPaths({}).rewrite("/etc/x") == "/etc/x"


@given(st.lists(st.sampled_from(["/etc/x", "/data", "y", "/", "=", " ", ":", "deep", "ü"])).map("".join))
def test_rewriting_twice_is_rewriting_once(text: str) -> None:
    """What has been rewritten holds no mount path any more."""
    once = PATHS.rewrite(text)

    assert PATHS.rewrite(once) == once


@given(st.text())
def test_text_without_mount_paths_stays(text: str) -> None:
    """Text in which no mount path occurs is never touched."""
    if not any(path in text for path in ("/etc/x", "/data", "/a.b")):
        assert PATHS.rewrite(text) == text
