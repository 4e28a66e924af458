"""A small HTTP server: answers with its version and its pod, and finishes what it began when asked to stop."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType


class Hello(BaseHTTPRequestHandler):
    """Greets on every path; ``/healthz`` is what the readiness probe asks."""

    def do_GET(self) -> None:
        """Answer one request."""
        text = f"hello from version {os.environ.get('VERSION', '?')}, pod {os.environ.get('HOSTNAME', '?')}\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  - the name is the base class's
        """Log to stdout, where kubectl logs shows it."""
        if self.path != "/healthz":
            print(format % args, flush=True)


def main() -> None:
    """Serve until SIGTERM."""
    # NB: POD_IP, not 0.0.0.0: on a process node all pods share the machine, and each has an address of its own.
    server = ThreadingHTTPServer((os.environ.get("POD_IP", ""), int(os.environ.get("PORT", "8080"))), Hello)
    server.daemon_threads = False

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"listening on {server.server_address}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    sys.exit(0)


if __name__ == "__main__":
    main()
