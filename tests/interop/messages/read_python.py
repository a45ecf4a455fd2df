"""What Python's email finds in messages, one line of JSON per file (messages_test.py reads them).

  python3 read_python.py FILE...
"""

import email
import email.policy
import hashlib
import json
import sys


def read(path):
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    out = {"file": path, "subject": str(message["subject"]), "headers": {}, "attachments": []}
    sender, recipient = message["from"].addresses[0], message["to"].addresses[0]
    out |= {"from_name": sender.display_name, "from_address": sender.addr_spec, "to": recipient.addr_spec}
    for name, value in message.items():
        out["headers"][name] = str(value)
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = {"text/plain": "text", "text/html": "html"}.get(part.get_content_type())
        if kind and not part.is_attachment():
            out[kind] = part.get_content()
            continue
        data = part.get_payload(decode=True)
        out["attachments"].append({"name": part.get_filename() or "", "type": part.get_content_type(),
                                   "cid": (part["content-id"] or "").strip("<>"),
                                   "sha256": hashlib.sha256(data).hexdigest()})
    return json.dumps(out)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(read(argument), flush=True)
