"""A thousand messages of many kinds, verified and read by programs that nobody here wrote.

  python3 messages_test.py [--bin DIR] [--case NAME] [--keep]

make-messages writes them and says what stands in them; its words come from what went in, not from what came out. Each
verifier must find every signature good in them and none in altered copies; each reader must find the same subject,
names, texts, headers and files.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))

from certificates import mail_certificate, Authority  # noqa: E402
from compare import ALGORITHMS, count_signatures, differences  # noqa: E402
from dns_signed import NSD  # noqa: E402
from laboratory import Skip, address, run_cases  # noqa: E402
from receiver import Daemon, Failure  # noqa: E402

COUNT = 1000
ALTERED = 20
NODE_MODULES = ROOT / "build" / "npm"
NAME_SERVER = address(53)  # of this run: resolv.conf knows no ports
PASSWORD = "pass wörd"
SPAM_SCORE_MAX = 0.5


class Messages:
    """Made when a case first asks; thrown away at the end."""

    made = None

    @classmethod
    def get(cls, args):
        if cls.made is None:
            cls.made = cls(args)
        return cls.made

    def __init__(self, args):
        self.dir = Path(tempfile.mkdtemp(prefix="wavepost-messages-"))
        if not args.keep:
            atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.bin = Path(args.bin or ROOT / "build" / "release" / "bin")
        self.authority = Authority(self.dir / "authority")
        bundles = [mail_certificate(self.authority, "news@kunde.example", "rsa:2048", PASSWORD),
                   mail_certificate(self.authority, "survey@client.example", "ec", PASSWORD)]
        command = [self.bin / "make-messages", "--out", self.dir, "--date", int(time.time()), "--count", COUNT,
                   "--password", PASSWORD, "--demo", ROOT / "demo"]
        for bundle in bundles:
            command += ["--pkcs12", bundle]
        run(command)
        self.expected = [json.loads(line) for line in (self.dir / "expected.jsonl").read_text().splitlines()]
        self.files = [self.dir / one["file"] for one in self.expected]
        self.altered = self.alter()
        self.texts = None

    def alter(self):
        """Copies with one byte of a signed field or of the body changed."""
        folder = self.dir / "altered"
        folder.mkdir()
        out = []
        for number, path in enumerate(self.files[:ALTERED]):
            head, body = path.read_bytes().split(b"\r\n\r\n", 1)
            if number % 2:
                head = head.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1)
            else:
                body = body[:-4] + b"x" + body[-4:]
            out.append(folder / path.name)
            out[-1].write_bytes(head + b"\r\n\r\n" + body)
        return out

    def derived_texts(self):
        """file name -> text as Python reads it: where we derived it, readers are compared with each other."""
        if self.texts is None:
            read = lines([sys.executable, HERE / "read_python.py", *self.files])
            self.texts = {Path(one["file"]).name: one.get("text") for one in read}
        return self.texts


def run(command, **kwargs):
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, **kwargs)
    if done.returncode != 0:
        raise Failure(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.stdout


def lines(command, **kwargs):
    return [json.loads(line) for line in run(command, **kwargs).splitlines()]


def need(*programs):
    lacking = [program for program in programs if shutil.which(program) is None]
    if lacking:
        raise Skip(f"not installed: {', '.join(lacking)}; './dev test --interop' provides them")


def need_node(module):
    need("node")
    if not (NODE_MODULES / "node_modules" / module).exists():
        raise Skip(f"no {module} in {NODE_MODULES}; './dev test --interop' puts it there")


def check_signatures(messages, verify):
    """verify: files -> what the verifier says about each."""
    good, total, wrong = count_signatures(messages.expected, verify(messages.files))
    if wrong:
        raise Failure(f"{len(wrong)} of {sum(total.values())} signatures: " + "; ".join(wrong[:5]))
    for check in verify(messages.altered):
        if not check["signatures"] or any(one["good"] for one in check["signatures"]):
            raise Failure(f"{check['file']} is altered, and a signature still holds: the verifier looks at nothing")
    said = ", ".join(f"{name} {good[name]}/{total[name]}" for name in ALGORITHMS)
    return f"verified {len(messages.files)}/{len(messages.files)} messages: {said}"


def dkimpy(args, _):
    """Debian's packages belong to Debian's Python, which need not be the one that runs this."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import dkim, nacl"], capture_output=True, check=False).returncode == 0:
            break
    else:
        raise Skip("no Python has dkim and nacl; './dev test --interop' installs python3-dkim and python3-nacl")
    messages = Messages.get(args)
    return check_signatures(messages, lambda files: lines([python, HERE / "verify_dkimpy.py",
                                                           messages.dir / "keys.json", *files]))


def opendkim(args, folder):
    need("opendkim-testmsg", "nsd", "unshare")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("no mount namespace for a resolv.conf of its own: needs root")
    messages = Messages.get(args)
    shutil.copy(messages.dir / "keys.zone", folder / "example")
    (folder / "nsd.conf").write_text(NSD.format(address=NAME_SERVER, port=53, dir=folder)
                                     + "zone:\n  name: example\n  zonefile: example\n")
    (folder / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\noptions timeout:5 attempts:3\n")
    server = Daemon(["nsd", "-d", "-c", folder / "nsd.conf"], folder / "nsd.log")
    inside = f"mount --bind {folder}/resolv.conf /etc/resolv.conf && exec \"$@\""
    try:
        return check_signatures(messages, lambda files: lines(
            ["unshare", "--mount", "sh", "-c", inside, "sh", sys.executable, HERE / "verify_opendkim.py", *files]))
    finally:
        server.check()
        server.stop()


def mailauth(args, _):
    need_node("mailauth")
    messages = Messages.get(args)
    return check_signatures(messages, lambda files: lines(["node", HERE / "verify_mailauth.mjs", NODE_MODULES,
                                                           messages.dir / "keys.json", *files]))


def check_reader(messages, read):
    wrong = []
    for want, got in zip(messages.expected, read, strict=True):
        wrong += [f"{want['file']}: {one}" for one in differences(want, got, messages.derived_texts()[want["file"]])]
    if wrong:
        raise Failure(f"{len(wrong)} differences: " + "; ".join(wrong[:8]))
    derived = sum(one["text"] is None for one in messages.expected)
    attached = sum(len(one["attachments"]) for one in messages.expected)
    return f"read {len(read)}/{len(read)} messages, {attached} files, {derived} texts made from HTML"


def python_email(args, _):
    messages = Messages.get(args)
    return check_reader(messages, lines([sys.executable, HERE / "read_python.py", *messages.files]))


def gmime(args, _):
    messages = Messages.get(args)
    return check_reader(messages, lines([messages.bin / "gmime-read", *messages.files]))


def mailparser(args, _):
    need_node("mailparser")
    messages = Messages.get(args)
    return check_reader(messages, lines(["node", HERE / "read_mailparser.mjs", NODE_MODULES, *messages.files]))


def smime(args, folder):
    need("openssl")
    messages = Messages.get(args)
    trust = ["-CAfile", messages.authority.certificate, "-purpose", "smimesign"]
    signed = [path for path, want in zip(messages.files, messages.expected, strict=True) if want["smime"]]
    for path in signed:
        run(["openssl", "cms", "-verify", "-in", path, *trust, "-out", folder / "content"])
    altered = folder / "altered.eml"
    altered.write_bytes(signed[0].read_bytes().replace(b"charset=utf-8", b"charset=UTF-8", 1))
    if subprocess.run(["openssl", "cms", "-verify", "-in", altered, *trust, "-out", folder / "content"],
                      capture_output=True, check=False).returncode == 0:
        raise Failure("an altered message is verified")
    if not signed:
        raise Failure("no message is signed by S/MIME")
    return f"verified {len(signed)}/{len(signed)} messages by openssl cms"


def spam_score(message, folder):
    """(score, rules hit) by the rules as the package brings them; nothing is learnt, the network is not asked."""
    out = run(["spamassassin", "-L", "-t", "-x", f"--siteconfigpath={folder}"], input=message,
              env={**os.environ, "HOME": str(folder)}).decode(errors="replace")
    status = " ".join(out[out.index("X-Spam-Status:"):].split("\n\n")[0].split("\nX-")[0].split())
    score = float(status.split("score=")[1].split()[0])
    return score, status.split("tests=")[1].split(" autolearn")[0].replace(" ", "")


def spamassassin(args, folder):
    """The demo's invitation as it leaves, and as it arrives. Which return path it has is told, not judged: one of our
    own domain costs a point, a customer who publishes the record of the return path pays none."""
    need("spamassassin")
    messages = Messages.get(args)
    for plugins in Path("/etc/spamassassin").glob("*.pre"):
        shutil.copy(plugins, folder)
    (folder / "local.cf").write_text("use_bayes 0\nuse_auto_welcomelist 0\nreport_safe 0\n")
    leaves = (messages.dir / "invitation.eml").read_bytes()

    def arrives(return_path_domain):
        trace = (f"Return-Path: <b+aeaaaaabaaaah2arnsqo6hkq7lvouai@{return_path_domain}>\r\n"
                 "Received: from out1.mail.wavepost.example (out1.mail.wavepost.example [IPv6:2001:db8::7])\r\n"
                 "\tby mx.grossmail.example (Postfix) with ESMTPS id 4F2A61C0D\r\n"
                 "\tfor <renate.schaefer0@grossmail.example>; "
                 f"{time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n")
        return trace.encode() + leaves

    said = []
    for name, message in (("as it leaves", leaves), ("as it arrives", arrives("bounce.kunde.example"))):
        score, rules = spam_score(message, folder)
        said.append(f"{score} {name} ({rules})")
        if score > SPAM_SCORE_MAX:
            raise Failure(f"SpamAssassin scores the demo's invitation {said[-1]}; at most {SPAM_SCORE_MAX}")
    score, rules = spam_score(arrives("bounce.wavepost.example"), folder)
    return f"SpamAssassin scores {'; '.join(said)}; {score} with a return path of our own domain ({rules})"


if __name__ == "__main__":
    run_cases(__doc__, {"dkimpy": dkimpy, "opendkim": opendkim, "mailauth": mailauth, "python_email": python_email,
                        "gmime": gmime, "mailparser": mailparser, "smime": smime, "spamassassin": spamassassin})
