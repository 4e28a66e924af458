"""Asks the Service hello again and again, a new connection each time, and counts who answered and what was lost."""

import collections
import os
import sys
import time
import urllib.request

SECONDS = float(sys.argv[1])


def main() -> None:
    """Visit for the given seconds, then print the counts; exit 1 if a request was lost."""
    url = f"http://{os.environ['HELLO_SERVICE_HOST']}:{os.environ['HELLO_SERVICE_PORT']}/"
    answers: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                answers[response.read().decode().split(",")[0]] += 1
        except OSError as error:
            answers[f"lost: {error}"] += 1
        time.sleep(0.02)
    for answer, count in sorted(answers.items()):
        print(f"{count:5d} x {answer}")
    sys.exit(any(answer.startswith("lost") for answer in answers))


if __name__ == "__main__":
    main()
