"""Runs a function in a child process and takes over its value, so that what only that function needs is not kept.

An agent of virtual nodes lives for days, and reads its configuration once: pydantic and the models that check it would
be a quarter of its memory for nothing. Only for functions that start no threads and leave nothing open.
"""

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

from autox.model.errors import AutoxError

T = TypeVar("T")


def apart(function: Callable[[], T]) -> T:
    """What the function returns, which must be a value that can be pickled.

    Raises:
        AutoxError: what the function raised.
        RuntimeError: it ended in another way; it has told how on standard error.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            _run(function, pipe.write)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    if not told:
        raise RuntimeError("the child process ended without a word")
    value, error = pickle.loads(told)  # noqa: S301  - from our own child
    if error is not None:
        raise error
    result: T = value
    return result


def _run(function: Callable[[], T], write: Callable[[bytes], object]) -> None:
    try:
        try:
            told = pickle.dumps((function(), None))
        except AutoxError as error:
            told = pickle.dumps((None, error))
        write(told)
    except BaseException:  # noqa: BLE001  - the child must not go on as if it were the parent
        import traceback  # noqa: PLC0415  - for a defect of ours only

        traceback.print_exc()
