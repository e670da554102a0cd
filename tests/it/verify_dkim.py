"""Reads a message from standard input and says, for each of its signatures, whether dkimpy holds it for good.

The DNS is stood in for by the arguments: name and record, in turn.
"""

import sys

import dkim

records = dict(zip(sys.argv[1::2], sys.argv[2::2]))


def dnsfunc(name, timeout=5):
    if isinstance(name, bytes):
        name = name.decode("ascii")
    record = records.get(name.rstrip("."))
    return None if record is None else record.encode("ascii")


def verify(index):
    """Whether one signature is good; some versions of dkimpy raise where others say no."""
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=dnsfunc)
    except dkim.DKIMException:
        return False


message = sys.stdin.buffer.read()
checker = dkim.DKIM(message)
count = sum(1 for name, _ in checker.headers if name.lower() == b"dkim-signature")
good = [verify(index) for index in range(count)]
print(count, "good" if good and all(good) else f"bad {good}")
