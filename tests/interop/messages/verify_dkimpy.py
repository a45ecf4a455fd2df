"""Checks every signature of messages by dkimpy, one line of JSON per file (messages_test.py reads them).

  python3 verify_dkimpy.py KEYS.json FILE...
"""

import json
import multiprocessing
import re
import sys

import dkim

KEYS = {}


def look_up(name, timeout=5):
    """The TXT record as dkimpy wants it: bytes, asked for with a final dot."""
    return KEYS.get(name.decode().rstrip("."), "").encode()


def check(path):
    with open(path, "rb") as file:
        message = file.read()
    results = []
    head = message[:message.index(b"\r\n\r\n")]
    fields = [field for field in re.split(rb"\r\n(?![ \t])", head) if field.startswith(b"DKIM-Signature:")]
    for index, field in enumerate(fields):
        tags = dict(tag.strip().split("=", 1) for tag in field[15:].decode().split(";") if "=" in tag)
        try:
            good, why = dkim.DKIM(message).verify(idx=index, dnsfunc=look_up), ""
        except dkim.DKIMException as problem:
            good, why = False, str(problem)
        results.append({"domain": tags["d"].strip(), "selector": tags["s"].strip(), "algorithm": tags["a"].strip(),
                        "good": good, "detail": why})
    return json.dumps({"file": path, "signatures": results})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        KEYS.update(json.load(file))
    with multiprocessing.get_context("fork").Pool() as pool:
        for line in pool.imap(check, sys.argv[2:], chunksize=8):
            print(line, flush=True)


if __name__ == "__main__":
    main()
