"""Checks every signature of messages by opendkim-testmsg, one line of JSON per file (messages_test.py reads them).

  python3 verify_opendkim.py FILE...

opendkim-testmsg is content with one good signature of several, so it is given each alone. It asks the resolver of
/etc/resolv.conf: messages_test.py starts this in a mount namespace with one of its own.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def check(path):
    with open(path, "rb") as file:
        head, body = file.read().split(b"\r\n\r\n", 1)
    fields = re.split(rb"\r\n(?![ \t])", head)
    others = [field for field in fields if not field.startswith(b"DKIM-Signature:")]
    results = []
    for field in fields:
        if field in others:
            continue
        tags = dict(tag.strip().split("=", 1) for tag in field[15:].decode().split(";") if "=" in tag)
        alone = b"\r\n".join([field, *others]) + b"\r\n\r\n" + body
        run = subprocess.run(["opendkim-testmsg"], input=alone, capture_output=True, check=False)
        results.append({"domain": tags["d"].strip(), "selector": tags["s"].strip(), "algorithm": tags["a"].strip(),
                        "good": run.returncode == 0, "detail": run.stderr.decode(errors="replace").strip()})
    return json.dumps({"file": path, "signatures": results})


if __name__ == "__main__":
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(check, sys.argv[1:]):
            print(line, flush=True)
