"""A Wavepost whose only way out leads to real receivers on loopback, and what must be true afterwards.

A test script is a list of cases. Each case gets a folder of its own; it raises Failure when something is wrong and Skip
when this machine or this sender cannot do it. run_cases() is the main program of every script here.
"""

import argparse
import email
import email.policy
import html
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from receiver import ROOT, Failure, wait_until
from cluster import Cluster
from exim import Exim
from opensmtpd import OpenSmtpd
from postfix import Postfix

RECEIVERS = {kind.NAME: kind for kind in (Postfix, Exim, OpenSmtpd)}
SKIPPED = 77  # exit code that ctest takes for "skipped"

SUBJECT = "Für {{first_name}}: Grüße aus Köln ✓"
# What transports like to damage: dots, long lines, trailing space, "From ", what looks like an encoding or the end.
AWKWARD = ("Grüß Gott {{first_name}}, größer als 7 Bit: äöüß € 日本語 🙂\n.\n..\n.hidden\nFrom here on\n"
           "=3D is not an equals sign\ntrailing space \t\n" + "long " * 700 + "end\n" + "x" * 2500
           + "\n\n\n.\nQUIT\nlast line\n")
TEXT = AWKWARD
HTML = "<html><body><pre>\n" + AWKWARD + "</pre></body></html>\n"


class Skip(Exception):
    """It cannot be tested here; the message says why."""


def address(n):
    """An address for a receiver; runs at the same time have others."""
    return f"127.{os.getpid() % 100 + 101}.9.{n}"


def first_name(n):
    return f"Jörg <{n}> & Söhne" if n % 3 else f"Ann {n}"


class Laboratory:
    """receivers: not yet started. records: more lines of the zone. The rest goes to Cluster."""

    def __init__(self, folder, args, receivers, records="", port=None, **cluster):
        self.dir, self.receivers = folder, receivers
        scenario = "records:\n" + "".join(r.dns_records() for r in receivers) + records
        self.cluster = Cluster(folder / "wavepost", bin_dir=args.bin, senders=1, scenario=scenario, verify_from=False,
                               sink_port=port or receivers[0].port, **cluster)
        self.started = []
        self.expected = {}  # address -> first name

    def __enter__(self):
        try:
            for receiver in self.receivers:
                self.started.append(receiver)
                receiver.start()
            self.cluster.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.cluster.__exit__()
        finally:
            for receiver in self.started:
                receiver.stop()

    def send(self, addresses, campaign="letter", max_age=None):
        """Imports and starts a campaign to these addresses."""
        rows = self.dir / f"{campaign}.csv"
        self.expected = {to: first_name(n) for n, to in enumerate(addresses)}
        rows.write_text("email,first_name\n" + "".join(f'{to},"{name}"\n' for to, name in self.expected.items()))
        (self.dir / "mail.html").write_text(HTML)
        (self.dir / "mail.txt").write_text(TEXT)
        refused = self.dir / f"{campaign}.refused.csv"
        self.cluster.cli("create", "--csv", rows, "--subject", SUBJECT, "--from", "Umfrage Köln <umfrage@survey.test>",
                         "--html", self.dir / "mail.html", "--text", self.dir / "mail.txt", "--id", campaign,
                         "--refused", refused, "--start", *(["--max-age", max_age] if max_age else []))
        if refused.exists() and len(refused.read_text().splitlines()) > 1:
            raise Failure(f"rows were refused: {refused.read_text()}")

    def wait_for_outcomes(self, campaign="letter", timeout_s=120):
        """Until every recipient has its outcome; returns the audit by address."""
        wait_until(lambda: self.cluster.cli_json("audit", campaign, "--summary")["open"] == 0, timeout_s,
                   lambda: f"every recipient to have an outcome; {self._sender_log()}", interval_s=0.2)
        return self.audit(campaign)

    def wait_for_deferrals(self, count, campaign="letter", timeout_s=60):
        """Until there were `count` deferrals or outcomes; returns the audit by address."""
        def seen():
            audit = self.cluster.cli_json("audit", campaign, "--summary")
            return audit["deferrals"] + audit["accepted"] - audit["open"] >= count
        wait_until(seen, timeout_s, lambda: f"{count} deferrals; {self._sender_log()}", interval_s=0.2)
        return self.audit(campaign)

    def _sender_log(self):
        last = {to: said[-1].get("text", "") for to, said in list(self.statuses().items())[:3]}
        return f"last heard {last}; the sender's log: {self.cluster.processes['sender-0'].tail()}"

    def audit(self, campaign="letter"):
        audit = self.cluster.cli_json("audit", campaign)
        if not audit["balanced"]:
            raise Failure(f"the books do not balance: {audit['findings']}")
        return {entry["address"]: entry for entry in audit["recipients"]}

    def statuses(self, kind=None):
        """What receivers said, in order: address -> list of statuses. kind: of events, e.g. outcome_recorded."""
        found = {}
        for line in self.cluster.cli("--json", "events").splitlines():
            event = json.loads(line)
            if "status" in event and (kind is None or event["kind"] == kind):
                found.setdefault(event["address"], []).append(event["status"])
        return found


def body_findings(raw, name):
    """How a stored message differs from what was meant."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = []
    subject = SUBJECT.replace("{{first_name}}", name)
    if message["Subject"] != subject:
        found.append(f"subject is {message['Subject']!r}")
    for kind, template in (("plain", TEXT), ("html", HTML)):
        part = message.get_body((kind,))
        if part is None:
            found.append(f"no {kind} part")
            continue
        content, meant = part.get_content(), template.replace("{{first_name}}", html.escape(name) if kind == "html"
                                                              else name)
        if kind == "html":
            content, meant = html.unescape(content), html.unescape(meant)
        if content.rstrip("\n") != meant.rstrip("\n"):
            differs = next((i for i, (a, b) in enumerate(zip(content, meant)) if a != b), min(len(content), len(meant)))
            found.append(f"{kind} part differs at {differs}: {content[differs:differs + 40]!r}, meant "
                         f"{meant[differs:differs + 40]!r}")
    return found


def check_delivered(lab, receiver, known, unknown=(), tls=None, log_timeout_s=30):
    """Every known address was delivered and stored exactly once as meant, every unknown one bounced; the receiver's
    log and our books say the same. tls: whether messages must (or must not) have come over TLS; none: either."""
    books = lab.audit()
    wait_until(lambda: sum(receiver.accepted().values()) >= len(known), log_timeout_s,
               lambda: f"{receiver.NAME} to log {len(known)} deliveries; it has {sum(receiver.accepted().values())}")
    stored, logged = {}, receiver.accepted()
    for message in receiver.stored():
        stored.setdefault(message.recipient, []).append(message)
    statuses = lab.statuses("outcome_recorded")
    wrong = []
    for to in [*known, *unknown]:
        entry, there = books.get(to, {}), stored.pop(to, [])
        meant = ("delivered", 1) if to in known else ("bounced", 0)
        if (entry.get("outcome"), len(there), logged[to]) != (*meant, meant[1]):
            wrong.append(f"{to}: {entry.get('outcome')} ({entry.get('reason')}), stored {len(there)} times, in its log "
                         f"{logged[to]} times; meant {meant}")
        if to in unknown and entry.get("reason") != "user_unknown":
            wrong.append(f"{to}: reason {entry.get('reason')}")
        for message in there:
            wrong += [f"{to}: {finding}" for finding in body_findings(message.raw, lab.expected[to])]
            said = statuses.get(to, [{}])[-1].get("tls", "")
            if tls is not None and (message.tls() != tls or bool(said) != tls):
                wrong.append(f"{to}: came over TLS: {message.tls()}; our outcome says {said!r}; meant {tls}")
    wrong += [f"{to}: stored, but never sent by us" for to in stored]
    if wrong:
        raise Failure("\n  ".join([f"{len(wrong)} findings", *wrong[:20]]))
    return f"{len(known)} delivered, {len(unknown)} bounced"


def check_nothing_taken(lab, receivers, addresses, reason=None):
    """None of the addresses has an outcome, and no receiver has taken anything."""
    books = lab.audit()
    wrong = [f"{to}: {books[to]['outcome']} ({books[to]['reason']})" for to in addresses
             if books[to]["outcome"] not in ("", "open", "none")]
    for receiver in receivers:
        if taken := [message.recipient for message in receiver.stored()] + list(receiver.accepted()):
            wrong.append(f"{receiver.host} has taken mail for {taken[:5]}")
    # Not everybody has been tried: a site that fails is asked by one message at a time.
    said = {status.get("reason") for to in addresses for status in lab.statuses().get(to, [])}
    if reason and said != {reason}:
        wrong.append(f"deferred for {said}, meant {reason}")
    if wrong:
        raise Failure("\n  ".join([f"{len(wrong)} findings", *wrong[:20]]))
    return f"{len(addresses)} wait, nothing was taken"


def available(kinds):
    """Those receivers that can run here; Skip if there is one that cannot."""
    for kind in kinds:
        if reason := kind.missing():
            raise Skip(f"{reason}; './dev test --interop' provides what is missing")


def run_cases(description, cases, receivers=None):
    """Main program: cases is name -> function(args, folder[, receiver class]). receivers: names of those that the cases
    are for; none: the cases know themselves."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    parser.add_argument("--case", choices=sorted(cases), help="only this one")
    if receivers:
        parser.add_argument("--receiver", choices=receivers, help="only this one")
    parser.add_argument("--keep", action="store_true", help="leave the folders")
    args = parser.parse_args()
    # Whoever stops us must not leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = skipped = passed = 0
    for receiver in ([args.receiver] if receivers and args.receiver else receivers or [None]):
        for name, case in cases.items():
            if args.case and name != args.case:
                continue
            title = f"{receiver}: {name}" if receiver else name
            folder = Path(tempfile.mkdtemp(prefix="wavepost-interop-"))
            keep = args.keep
            try:
                if receiver:
                    available([RECEIVERS[receiver]])
                    said = case(args, folder, RECEIVERS[receiver])
                else:
                    said = case(args, folder)
                passed += 1
                print(f"PASS {title}: {said}", flush=True)
            except Skip as why:
                skipped += 1
                print(f"SKIP {title}: {why}", flush=True)
            except Exception as problem:  # whatever it is, the next case still runs
                failed += 1
                keep = True
                print(f"FAIL {title}: {problem}", flush=True)
                if not isinstance(problem, Failure):
                    traceback.print_exc()
            finally:
                if keep:
                    print(f"kept: {folder}")
                else:
                    shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else SKIPPED if skipped and not passed else 0)
