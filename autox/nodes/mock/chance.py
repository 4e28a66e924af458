"""Numbers that look random and are derived: the same question gets the same answer, in this process or another. Pure.

A run can so be repeated, and an agent that was restarted draws for a pod what it drew before. Rejected: the random
generators of the standard library, which have to be asked in the same order each time.
"""

from hashlib import blake2b


def drawn(seed: int, *subject: str | int) -> float:
    """A number in [0, 1), uniform over subjects.

    Args:
        seed: another seed gives other numbers.
        subject: what the number is for, such as namespace, pod, stage and attempt.
    """
    # NB: a name holds no NUL, so that no two subjects make the same text.
    text = "\0".join(map(str, (seed, *subject)))
    digest = blake2b(text.encode(), digest_size=8).digest()
    # NB: 53 bits, for a quotient of 64 would be rounded up to 1.0 now and then.
    return (int.from_bytes(digest) >> 11) / 2**53
