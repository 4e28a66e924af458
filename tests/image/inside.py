"""Running a command in an unpacked image as a pod would: not as root, and with a root file system to read only."""

from dataclasses import dataclass
from pathlib import Path

from tests.clusters import Done, run

USER = 65532
TMP = "/tmp"  # noqa: S108  - the pods'
# In mounts of its own, which end with it.
_ENTER = """\
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 99
mount --bind "$1" "$0/tmp" && mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" || exit 99
root=$0; shift
exec setpriv --no-new-privs chroot --userspec=USER:USER --groups=USER "$root" "$@"
""".replace("USER", str(USER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """An image's root file system.

    Attributes:
        scratch: what the pods have as /tmp.
    """

    root: Path
    scratch: Path

    def run(self, *argv: str, **environ: str) -> Done:
        """Run a command in it, with nothing of our environment."""
        given = {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin", "HOME": TMP, **environ}
        enter = ("unshare", "--mount", "--propagation=private", "sh", "-c", _ENTER)
        return run(*enter, str(self.root), str(self.scratch), *argv, environ=given)
