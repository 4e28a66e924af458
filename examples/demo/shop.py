"""The app under test: a small HTTP server that answers with its version, as slowly as it is told to."""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

VERSION = os.environ.get("VERSION", "?")
DELAY_SECONDS = float(os.environ.get("DELAY_SECONDS", "0"))


class Shop(BaseHTTPRequestHandler):
    """Answers on every path; ``/healthz``, which the readiness probe asks, is never slow."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path != "/healthz":
            time.sleep(DELAY_SECONDS)
        body = f"shop, version {VERSION}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  - the name is the base class's
        """Say nothing: under load the log would be the slowest part."""


def main() -> None:
    """Serve until SIGTERM."""
    # NB: POD_IP, not 0.0.0.0: on a process node all pods share the machine, and each has an address of its own.
    server = ThreadingHTTPServer((os.environ.get("POD_IP", ""), int(os.environ.get("PORT", "8080"))), Shop)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"version {VERSION} listens on {server.server_address}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
