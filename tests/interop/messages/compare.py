"""What readers and verifiers must say about the messages, compared with what they did say."""

from collections import Counter

ALGORITHMS = ("rsa-sha256", "ed25519-sha256")


def line_ends(text):
    """Readers differ in line ends and in the last one; nothing else may differ."""
    return (text or "").replace("\r\n", "\n").rstrip("\n")


def address(text):
    """Some readers show domains in their own script."""
    local, _, domain = (text or "").rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def files(listed):
    return sorted((one["name"], one["type"], one["cid"], one["sha256"]) for one in listed)


def differences(wanted, read, derived_text):
    """What a reader found otherwise in one message. derived_text: for messages whose text we derived from the HTML."""
    out = []

    def equal(what, got, want):
        if got != want:
            out.append(f"{what} is {got!r:.300}, not {want!r:.300}")

    for key in ("subject", "from_name"):
        equal(key, read.get(key), wanted[key])
    for key in ("from_address", "to"):
        equal(key, address(read.get(key)), wanted[key])
    equal("html", line_ends(read.get("html")), line_ends(wanted["html"]))
    text = derived_text if wanted["text"] is None else wanted["text"]
    equal("text", line_ends(read.get("text")), line_ends(text))
    attachments = [one for one in read["attachments"] if one["type"] != "application/pkcs7-signature"]
    equal("files", files(attachments), files(wanted["attachments"]))
    equal("S/MIME", len(attachments) != len(read["attachments"]), wanted["smime"])
    headers = {name.lower(): value for name, value in read["headers"].items()}
    for name, value in wanted["headers"].items():
        equal(name, headers.get(name.lower()), value)
    return out


def count_signatures(wanted, checked):
    """(Counter of good ones by algorithm, Counter of all, what is wrong) over lists of messages in the same order."""
    good, total, wrong = Counter(), Counter(), []
    for want, check in zip(wanted, checked, strict=True):
        # The last signer's field stands on top.
        named = [(one["domain"], one["selector"], one["algorithm"]) for one in reversed(want["signatures"])]
        found = [(one["domain"], one["selector"], one["algorithm"]) for one in check["signatures"]]
        if sorted(named) != sorted(found):
            wrong.append(f"{check['file']}: has signatures {found}, not {named}")
        for one in check["signatures"]:
            total[one["algorithm"]] += 1
            good[one["algorithm"]] += one["good"]
            if not one["good"]:
                wrong.append(f"{check['file']}: {one['algorithm']} of {one['domain']}: {one['detail']}")
    return good, total, wrong
