"""What all real receivers have in common: where they listen, what they offer, and what they took.

A receiver is a mail server that nobody here wrote, started with a configuration, queue and log of its own in a folder
that the test throws away, on a free port of an address of 127.0.0.0/8. stop() ends what start() started, by pid.
"""

import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from cluster import Failure, free_port, wait_until  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# Debian lets one mail server be installed at a time. './dev test --interop' unpacks the others here.
UNPACKED = ROOT / "build" / "receivers"


@dataclasses.dataclass
class Stored:
    """A message as it lies in the receiver's store; line ends are LF there, as in every maildir."""
    recipient: str
    raw: bytes

    def tls(self):
        """By the receiver's own Received line: did it come over TLS?"""
        return re.search(rb"^Received: from.*?\swith\s(?:UTF8)?ESMTPSA?\b", self.raw, re.S | re.M | re.I) is not None


class Receiver:
    """A mail server on loopback that takes mail for `users` of `domain` and answers 550 5.1.1 to all others.

    hidden: EHLO keywords that it must not offer, among those in HIDEABLE. chain: PEM of key, certificate and its
    issuers; none: no STARTTLS. Text files of users are UTF-8.
    """

    NAME = ""
    OFFERS = frozenset()  # EHLO keywords with nothing hidden
    HIDEABLE = frozenset()

    def __init__(self, folder, address, users, domain=None, chain=None, hidden=(), port=None):
        if not set(hidden) <= self.HIDEABLE:
            raise ValueError(f"{self.NAME} cannot hide {sorted(set(hidden) - self.HIDEABLE)}")
        self.dir, self.address, self.users, self.chain = folder, address, sorted(users), chain
        self.domain = domain or f"{self.NAME}.test"
        self.host = f"mx.{self.domain}"
        self.hidden = set(hidden)
        self.offers = self.OFFERS - self.hidden - (set() if chain else {"STARTTLS"})
        self.port = port or free_port(address)
        folder.mkdir(parents=True)
        # Its processes give up root, and must reach their files.
        for above in (folder, folder.parent):
            above.chmod(0o755)

    @classmethod
    def missing(cls):
        """Why it cannot run here; empty: it can."""
        if os.geteuid() != 0:
            return f"{cls.NAME} needs root, to give it up"
        return ""

    def dns_records(self):
        """As the simulated internet takes them."""
        return f"  - {self.domain} MX 10 {self.host}\n  - {self.host} A {self.address}\n"

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def log(self):
        """Its own log, whole."""
        raise NotImplementedError

    def accepted(self):
        """Counter of recipients that it has delivered, by its log."""
        raise NotImplementedError

    def bdat_used(self):
        """By its log: did messages come by BDAT? None: it does not say."""
        return None

    def stored(self):
        """What it has delivered: a list of Stored."""
        raise NotImplementedError

    def wait_for_greeting(self, timeout_s=20):
        def greets():
            try:
                with socket.create_connection((self.address, self.port), 2) as connection:
                    return connection.recv(4).startswith(b"220")
            except OSError:
                return False
        wait_until(greets, timeout_s,
                   lambda: f"{self.NAME} to greet at {self.address}:{self.port}; its log: {self.log()[-2000:]}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def maildir_messages(folder, recipient_field):
    """Stored messages of all maildirs below a folder; the field with the envelope recipient is the store's own."""
    field = re.compile(rb"^" + recipient_field.encode() + rb": *<?([^>\n]+?)>?$", re.M | re.I)
    found = []
    for path in sorted(folder.glob("**/new/*")):
        raw = path.read_bytes()
        match = field.search(raw)
        found.append(Stored(match.group(1).decode() if match else "", raw))
    return found


def read_text(path):
    return path.read_text(errors="replace") if path.exists() else ""


class Daemon:
    """A process in the foreground, of ours, with the processes that it starts: a group of its own."""

    def __init__(self, command, log_path, **kwargs):
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                          start_new_session=True, **kwargs)

    def check(self):
        if self.popen.poll() is not None:
            said = read_text(self.log_path)[-2000:]
            raise Failure(f"{self.popen.args[0]} ended with {self.popen.returncode}: {said}")

    def stop(self, timeout_s=10):
        """SIGTERM to the process; whatever is left of its group then is killed."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        end_group(self.popen.pid, timeout_s)
        self.popen.wait()


def end_group(leader, timeout_s=10):
    """Ends what is left of a process group that we started: SIGTERM, and after timeout_s SIGKILL."""
    deadline = time.monotonic() + timeout_s
    kill = signal.SIGTERM
    while True:
        try:
            os.killpg(leader, kill)
        except ProcessLookupError:
            return
        time.sleep(0.05)
        if time.monotonic() > deadline:
            kill = signal.SIGKILL
        if time.monotonic() > deadline + timeout_s:
            print(f"processes of group {leader} do not end", file=sys.stderr)
            return
