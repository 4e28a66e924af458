#!/usr/bin/env bash
# httptools (the parser of uvicorn, over llhttp): whether a connection may be used again is known only while
# on_message_complete runs. Asked after feed_data() has returned, should_keep_alive() says False of every response with a
# body, and True of a request that said "Connection: close". llhttp clears what it knew of a message with its end (its
# issue 147 says so, for C); the documentation of httptools only says that True means that keep-alive is preferred.
#
# Seen: httptools 0.9.0 (llhttp 9), CPython 3.11, 2026-11-29.
# What users get: a client that asks afterwards opens a connection for each request, and one that reuses connections by
# default sends requests into connections that are being closed.
# autox: has a parser of its own, which keeps it with the head (tests/wire/test_parsing.py); in
# benchmarks/bench_parsing.py httptools is asked in time.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check httptools==0.9.0
cat > "$place/ask.py" <<'PY'
import httptools

CASES = {
    "response, length announced": ("HttpResponseParser", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "response, chunked": ("HttpResponseParser", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "response without a body": ("HttpResponseParser", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "request, Connection: close": ("HttpRequestParser", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
}


class Heard:
    def on_message_complete(self):
        self.within = self.parser.should_keep_alive()


for name, (kind, data) in CASES.items():
    heard = Heard()
    heard.parser = getattr(httptools, kind)(heard)
    heard.parser.feed_data(data)
    print(f"{name}: {heard.within} while it ends, {heard.parser.should_keep_alive()} afterwards")
PY
said=$("$place/venv/bin/python" "$place/ask.py")
expected='response, length announced: True while it ends, False afterwards
response, chunked: True while it ends, False afterwards
response without a body: True while it ends, True afterwards
request, Connection: close: False while it ends, True afterwards'
echo "$said"
diff <(echo "$expected") <(echo "$said") || { echo "the behaviour has changed"; exit 1; }
