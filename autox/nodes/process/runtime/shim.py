"""The small process around each container: it outlives the node, keeps the log and tells the truth about the end.

``launching.py`` runs ``main`` in an interpreter without site-packages. That process is only a template: for each
launch that comes over its control socket it forks, and the fork becomes the shim of one container. A fork costs
about 2 ms of CPU where a new interpreter costs 9 to 28, and forks share their memory. The template ends when the
node process ends (end of file on the socket); shims go on.

A launch is one socket, passed over the control socket, that carries ``LENGTH NL`` and then, separated by NUL:
folder of the attempt, working directory, log limit, number of arguments, the arguments, the environment. Nothing
of it ever stands in a file or an argv. The answer is ``ok`` or ``error STAGE ERRNO``.

In the folder of the attempt the shim owns these files:

- ``process``: who runs, JSON. Linked in exclusively *before* the container executes, so that of a shim and a node
  that takes the attempt for lost exactly one gets its way.
- ``log``, ``log.1``: stdout and stderr in CRI format.
- ``exit``: how it ended, JSON, linked in exclusively after everything of the container is dead.
- ``control``: a socket on which the node asks to run a command inside (probes, hooks).

The container has what a pid namespace would give it: the shim is the subreaper of its descendants, so whatever
its main process leaves behind, daemons in sessions of their own included, is killed before the end is recorded.
Should the shim itself be killed, the kernel kills the main process.

Imports only what the standard library and its two neighbours (``crilog``, ``spawning``) offer. Rejected: one
interpreter for each container (five to ten times the CPU), and reading logs in the node (its death would lose
output or block the container).
"""

# pathlib takes longer to import than the whole shim:
# ruff: noqa: PTH108, PTH123

import errno
import gc
import os
import select
import signal
import socket
import time

from autox.nodes.process.runtime.crilog import Log, Stream
from autox.nodes.process.runtime.spawning import START_ERROR, Child, adopt_orphans, exit_code, kill_children, stat_field

_RESERVED = 512  # bytes set aside for the exit record, so that a full disk does not lose it


class Container:
    """One container, from its launch to its exit record; the folder of the attempt is the working directory."""

    def __init__(self, fields: list[bytes]) -> None:
        cwd, limit, count = fields[1], int(fields[2]), int(fields[3])
        argv = fields[4 : 4 + count]
        self._env = dict(pair.partition(b"=")[::2] for pair in fields[4 + count :])
        self._cwd = cwd
        self._log = Log(limit)
        _reserve_exit()
        self._wake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(b"control")
        self._listener.listen(16)
        self._listener.setblocking(False)
        out, out_end = os.pipe2(os.O_CLOEXEC)
        err, err_end = os.pipe2(os.O_CLOEXEC)
        self._streams = {out: Stream(b"stdout", out, self._log), err: Stream(b"stderr", err, self._log)}
        self._visitors: dict[int, socket.socket] = {}
        self._guests: dict[int, socket.socket] = {}
        self._status: int | None = None
        self._poll = select.poll()
        self.started = time.time()
        self._main = Child(argv, self._env, cwd, out_end, err_end)
        os.close(out_end)
        os.close(err_end)
        _record_process(self._main.pid, self.started)
        self.failure = self._main.release()

    def serve(self) -> tuple[int, float]:
        """Keep the log and answer the node until the main process has ended; its wait status and the time."""
        for fd in (*self._streams, self._wake, self._listener.fileno()):
            self._poll.register(fd, select.POLLIN)
        self._reap()
        while self._status is None:
            for fd, _ in self._poll.poll():
                self._attend(fd)
        finished = time.time()
        for stream in self._streams.values():
            stream.pump()
        kill_children()
        for stream in self._streams.values():
            stream.finish()
        return self._status, finished

    def _attend(self, fd: int) -> None:
        """See to a file descriptor that has something for us."""
        if fd in self._streams:
            if not self._streams[fd].pump():
                self._poll.unregister(fd)
        elif fd == self._wake:
            os.read(self._wake, 512)
            self._reap()
        elif fd == self._listener.fileno():
            visitor, _ = self._listener.accept()
            self._visitors[visitor.fileno()] = visitor
            self._poll.register(visitor, select.POLLIN)
        elif not self._hear(self._visitors[fd]):
            self._poll.unregister(fd)
            self._visitors.pop(fd).close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._main.pid:
                self._status = status
            elif pid in self._guests:
                _answer(self._guests.pop(pid), b"exit %d" % exit_code(status))

    def _hear(self, visitor: socket.socket) -> bool:
        """Run the command that the node asks for; the node hangs up to have it killed."""
        try:
            request, fds = _receive_fds(visitor, 1 << 20)
        except OSError:
            request, fds = b"", []
        if request and fds:
            try:
                child = Child(request.split(b"\0"), self._env, self._cwd, fds[0], fds[0])
                failure = child.release()
            except OSError as error:
                # NB: no room for one more process is the end of the command, and not of the container.
                failure = b"setup %d" % (error.errno or errno.EIO)
            if failure:
                _answer(visitor, b"error " + failure)
            else:
                self._guests[child.pid] = visitor
        for fd in fds:
            os.close(fd)
        if request:
            return True
        for pid in [pid for pid, guest in self._guests.items() if guest is visitor]:
            os.killpg(pid, signal.SIGKILL)
            del self._guests[pid]
        return False


def _receive_fds(connection: socket.socket, size: int) -> tuple[bytes, list[int]]:
    message, fds, _, _ = socket.recv_fds(connection, size, 1)
    for fd in fds:
        # NB: recv_fds of Python 3.11 drops its flags, MSG_CMSG_CLOEXEC among them.
        os.set_inheritable(fd, False)
    return message, fds


def _answer(visitor: socket.socket, text: bytes) -> None:
    try:
        visitor.send(text)
    except OSError:
        return  # it hung up; nobody wants to know


def _record_process(pid: int, started: float) -> None:
    """Link in ``process``; FileExistsError when a node has already taken this attempt for lost."""
    with open(b"process.tmp", "wb") as file:
        file.write(
            b'{"shim": [%d, %d], "main": [%d, %d], "startedAt": %.6f}\n'
            % (os.getpid(), stat_field(os.getpid(), 22), pid, stat_field(pid, 22), started)
        )
    os.link(b"process.tmp", b"process")
    os.unlink(b"process.tmp")


def _reserve_exit() -> None:
    with open(b"exit.tmp", "wb") as file:
        file.write(b" " * _RESERVED)


def _record_exit(status: int, started: float, finished: float) -> None:
    """Link in ``exit``, trying until the disk takes it; somebody else's record, or none of our folder, ends it."""
    signalled = b"%d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else b"null"
    text = b'{"exitCode": %d, "signal": %s, "startedAt": %.6f, "finishedAt": %.6f}' % (
        exit_code(status),
        signalled,
        started,
        finished,
    )
    while True:
        try:
            fd = os.open(b"exit.tmp", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(fd, text.ljust(_RESERVED - 1) + b"\n", 0)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.link(b"exit.tmp", b"exit")
            os.unlink(b"exit.tmp")
        except (FileExistsError, FileNotFoundError):
            return
        except OSError:
            time.sleep(0.5)
        else:
            return


def _receive(channel: socket.socket) -> list[bytes]:
    """The fields of a launch; empty when the node died before it had sent all of it."""
    data = b"".join(iter(lambda: channel.recv(1 << 16), b""))
    length, _, body = data.partition(b"\n")
    return body.split(b"\0") if length.isdigit() and int(length) == len(body) else []


def contain(channel: socket.socket) -> None:
    """Be the shim of one container, from its launch to its exit record."""
    os.setsid()
    adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    fields = _receive(channel)
    if not fields:
        return
    try:
        os.chdir(fields[0])
        container = Container(fields)
    except OSError as error:
        _answer(channel, b"error setup %d" % (error.errno or errno.EIO))
        return
    if container.failure:
        _answer(channel, b"error " + container.failure)
        _record_exit(START_ERROR << 8, container.started, time.time())
        return
    _answer(channel, b"ok")
    channel.close()
    status, finished = container.serve()
    _record_exit(status, container.started, finished)


def main(control_fd: int) -> None:
    """Be the template: fork a shim for each launch until the node is gone."""
    control = socket.socket(fileno=control_fd)
    control.set_inheritable(False)
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()
    gc.freeze()
    while True:
        message, fds = _receive_fds(control, 1)
        if not message:
            return
        for fd in fds:
            channel = socket.socket(fileno=fd)
            try:
                forked = os.fork()
            except OSError as error:
                channel.sendall(b"error fork %d" % (error.errno or errno.EIO))
            else:
                if forked == 0:
                    control.close()
                    contain(channel)
                    os._exit(0)  # NB: tidying up as an interpreter does costs more than the rest of it
            channel.close()
