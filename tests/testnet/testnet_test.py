#!/usr/bin/env python3
"""Drives the real wavepost-testnet over sockets, as senders and tests will.

    testnet_test.py PATH_OF_WAVEPOST_TESTNET [unittest arguments]

Standard library only. Each test starts its own process on free ports, in a folder of its own.
"""

import base64
import hashlib
import json
import os
import re
import select
import shutil
import signal
import smtplib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BINARY = os.environ.get("WAVEPOST_TESTNET", "")
WAIT_S = 20  # for anything that should happen at once

MESSAGE = b"Subject: hello\r\nMessage-ID: <token1@r.example>\r\n\r\nA body.\r\n"


def until(condition, what):
    """Polls; the only waiting in here, for what another process does."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain for " + what)


class Testnet:
    """One running wavepost-testnet."""

    def __init__(self, folder, scenario):
        self.ledger_path = os.path.join(folder, "ledger.jsonl")
        self.config = os.path.join(folder, "scenario.yaml")
        self.stderr_path = os.path.join(folder, "stderr")
        with open(self.config, "w") as f:
            f.write("ledger: %s\n%s" % (self.ledger_path, scenario))
        self.stderr = open(self.stderr_path, "wb")
        self.process = subprocess.Popen(
            [BINARY, "--config", self.config], stdout=subprocess.PIPE, stderr=self.stderr)
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT_S)
        self.ready = self.process.stdout.readline().decode() if ready else ""
        if not self.ready.startswith("ready "):
            self.process.kill()
            raise AssertionError("not ready: %r %r" % (self.ready, self.stderr_text()))
        fields = dict(word.split("=") for word in self.ready.split()[1:])
        self.dns = (fields["dns"].split(":")[0], int(fields["dns"].split(":")[1]))
        self.port = int(fields["smtp_port"])

    def stderr_text(self):
        with open(self.stderr_path) as f:
            return f.read()

    def ledger(self):
        if not os.path.exists(self.ledger_path):
            return []
        with open(self.ledger_path) as f:
            return [json.loads(line) for line in f]

    def events(self):
        return [(e["event"], e["phase"], e["rcpt_to"], e["code"]) for e in self.ledger()]

    def connect(self, address="127.1.0.1", source="127.0.0.11"):
        return smtplib.SMTP(address, self.port, local_hostname="me.example", timeout=WAIT_S,
                            source_address=(source, 0))

    def send(self, rcpt, mail_from="b+t@r.example", address="127.1.0.1", source="127.0.0.11"):
        """The code and text of the reply that decided."""
        with self.connect(address, source) as smtp:
            try:
                smtp.sendmail(mail_from, [rcpt], MESSAGE)
                return 250, ""
            except smtplib.SMTPRecipientsRefused as refused:
                code, text = refused.recipients[rcpt]
            except smtplib.SMTPResponseException as error:
                code, text = error.smtp_code, error.smtp_error
            return code, text.decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_S)
        self.process.stdout.close()
        self.stderr.close()
        return code


def name_wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


A, MX, TXT, NXDOMAIN, SERVFAIL = 1, 15, 16, 3, 2


class Answer:
    def __init__(self, data, name):
        self.data = data
        self.id, flags, _, self.answers, _, _ = struct.unpack(">6H", data[:12])
        self.rcode = flags & 15
        self.truncated = bool(flags & 0x0200)
        self.authoritative = bool(flags & 0x0400)
        self.rdata = []
        at = 12 + len(name_wire(name)) + 4
        for _ in range(self.answers):
            assert data[at:at + 2] == b"\xc0\x0c", "the owner is the question's name"
            length = struct.unpack(">H", data[at + 10:at + 12])[0]
            self.rdata.append(data[at + 12:at + 12 + length])
            at += 12 + length


def query_bytes(name, qtype):
    return struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0) + name_wire(name) + struct.pack(">2H", qtype, 1)


def ask_udp(server, name, qtype, timeout=WAIT_S):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.sendto(query_bytes(name, qtype), server)
        return Answer(s.recv(65535), name)


def ask_tcp(server, name, qtype):
    with socket.create_connection(server, timeout=WAIT_S) as s:
        query = query_bytes(name, qtype)
        framed = struct.pack(">H", len(query)) + query
        s.sendall(framed[:1])
        s.sendall(framed[1:])
        stream = s.makefile("rb")
        return Answer(stream.read(struct.unpack(">H", stream.read(2))[0]), name)


class DsnListener(socketserver.ThreadingTCPServer):
    """Takes mail and keeps it as (mail_from, rcpt_to, content); refuses the first `refuse_first` with 451."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuse_first=0):
        self.messages = []
        self.refuse_left = refuse_first
        super().__init__(("127.0.0.1", 0), DsnHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class DsnHandler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 bouncer ESMTP")
        mail_from = rcpt_to = None
        while True:
            line = self.rfile.readline().decode().strip()
            verb = line[:4].upper()
            if verb == "EHLO":
                self.say("250 bouncer")
            elif verb == "MAIL":
                mail_from = line[10:].strip()
                self.say("250 2.1.0 Ok")
            elif verb == "RCPT":
                rcpt_to = line[8:].strip()
                if self.server.refuse_left > 0:
                    self.server.refuse_left -= 1
                    self.say("451 4.3.0 Not yet")
                else:
                    self.say("250 2.1.5 Ok")
            elif verb == "DATA":
                self.say("354 go on")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += self.rfile.readline()
                self.server.messages.append((mail_from, rcpt_to, content[:-3].decode()))
                self.say("250 2.0.0 Ok")
            else:
                self.say("221 2.0.0 Bye")
                return


class TestnetTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="testnet_test_")
        self.addCleanup(self.folder.cleanup)

    def start(self, scenario):
        testnet = Testnet(tempfile.mkdtemp(dir=self.folder.name), scenario)
        self.addCleanup(testnet.stop)
        return testnet

    def run_binary(self, *arguments):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=WAIT_S)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    # Mail

    def test_accepts_and_writes_the_ledger(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        self.assertEqual(testnet.send("Anna@A.example"), (250, ""))
        (entry,) = testnet.ledger()
        self.assertRegex(entry.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertRegex(entry.pop("reply"), "^2.0.0 Ok: queued as ")
        self.assertEqual(entry, {
            "event": "accepted", "phase": "after_dot", "client_ip": "127.0.0.11", "ehlo": "me.example",
            "mail_from": "b+t@r.example", "rcpt_to": "Anna@a.example", "message_id": "token1@r.example",
            "code": 250, "domain": "a.example", "dkim": "off", "tls": False, "size": len(MESSAGE)})
        self.assertEqual(testnet.stop(), 0)

    def test_ledger_line_is_there_before_the_reply(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        with testnet.connect() as smtp:
            for i in range(50):
                smtp.sendmail("s@r.example", ["u%d@a.example" % i], MESSAGE)
                self.assertEqual(len(testnet.ledger()), i + 1)

    def test_dkim_result_is_written_down(self):
        testnet = self.start("verify_dkim: true\ndomains: [{name: a.example}]\n")
        testnet.send("anna@a.example")
        self.assertEqual(testnet.ledger()[0]["dkim"], "none")

    def test_greylists_early_and_late(self):
        testnet = self.start("profiles: {default: {greylist: {delay: 60s}}}\nclock_scale: 60\n"
                             "domains: [{name: a.example}]\n")
        code, text = testnet.send("anna@a.example")
        self.assertEqual(code, 450)
        self.assertRegex(text, r"^4\.2\.0 <anna@a.example>: .*Greylisted, see http://.*; try again in 60 seconds$")
        self.assertEqual(testnet.send("anna@a.example", source="127.0.0.12")[0], 450)  # early, the same /24
        until(lambda: testnet.send("anna@a.example")[0] == 250, "the greylist to pass after one scaled second")
        self.assertEqual(testnet.send("ben@a.example"), (250, ""))  # the client is known now
        first = testnet.ledger()[0]
        self.assertEqual((first["event"], first["phase"], first["code"]), ("deferred", "rcpt", 450))

    def test_local_parts_are_obeyed(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        for local, code in [("450-x", 450), ("421-x", 421), ("552-x", 552), ("unknown-x", 550), ("full-x", 452),
                            ("spam-x", 554), ("data-451-x", 451), ("anna", 250)]:
            self.assertEqual(testnet.send(local + "@a.example")[0], code, local)
        self.assertEqual(testnet.send("once-451-x@a.example")[0], 451)
        self.assertEqual(testnet.send("once-451-x@a.example")[0], 250)
        self.assertEqual(testnet.events()[3], ("refused", "rcpt", "unknown-x@a.example", 550))
        self.assertEqual(testnet.events()[5], ("refused", "after_dot", "spam-x@a.example", 554))

    def test_fate_files(self):
        path = self.write("fates", "anna@a.example 550 5.1.1 Gone\n# comment\n")
        testnet = self.start("fate_files: [%s]\ndomains: [{name: a.example}]\n" % path)
        self.assertEqual(testnet.send("anna@a.example"),
                         (550, "5.1.1 <anna@a.example>: Recipient address rejected: Gone"))
        self.assertEqual(testnet.send("ben@a.example")[0], 250)

    def test_refuses_what_it_is_no_mx_for(self):
        testnet = self.start("domains: [{name: a.example}, {name: b.example}]\n")
        self.assertEqual(testnet.send("x@b.example", address="127.1.0.1")[0], 550)
        self.assertEqual(testnet.send("x@b.example", address="127.1.0.2")[0], 250)

    def test_too_many_connections_get_421(self):
        testnet = self.start("profiles: {default: {limits: {connections_open: 2}}}\ndomains: [{name: a.example}]\n")
        with testnet.connect(), testnet.connect():
            with self.assertRaises(smtplib.SMTPConnectError) as caught:
                testnet.connect()
            self.assertEqual(caught.exception.smtp_code, 421)
            testnet.connect(source="127.0.0.12").close()  # another client IP has its own count
        until(lambda: self.can_connect(testnet), "the place of a closed connection")
        self.assertEqual(testnet.events()[0], ("deferred", "connect", "", 421))

    @staticmethod
    def can_connect(testnet):
        try:
            testnet.connect().close()
            return True
        except smtplib.SMTPConnectError:
            return False

    def test_message_rate_gets_421(self):
        testnet = self.start("profiles: {default: {limits: {messages: 3, window: 1h}}}\n"
                             "domains: [{name: a.example}]\n")
        self.assertEqual([testnet.send("u@a.example")[0] for _ in range(4)], [250, 250, 250, 421])

    def test_disconnects_at_each_phase(self):
        expected = {
            "connect": [], "greeting": [], "ehlo": ["220"], "mail": ["220", "250"], "rcpt": ["220", "250", "250"],
            "data": ["220", "250", "250", "250"], "in_data": ["220", "250", "250", "250", "354"],
            "after_dot": ["220", "250", "250", "250", "354"], "lost_reply": ["220", "250", "250", "250", "354"],
            "after_reply": ["220", "250", "250", "250", "354", "250"],
        }
        scenario = "profiles:\n" + "".join(
            "  %s: {disconnect: [{phase: %s, every: 1}]}\n" % (p, p) for p in expected)
        # Each phase has a domain, and so an address, of its own.
        scenario += "domains:\n" + "".join(
            "  - {name: %s.example, profile: %s}\n" % (p, p) for p in expected)
        testnet = self.start(scenario)
        for i, (phase, codes) in enumerate(expected.items()):
            with self.subTest(phase):
                self.assertEqual(self.cut_dialogue(testnet, "127.1.0.%d" % (i + 1), phase + ".example"), codes)
        events = [(e["event"], e["phase"]) for e in testnet.ledger()]
        self.assertEqual(events, [("accepted", "after_dot") if p in ("lost_reply", "after_reply")
                                  else ("disconnected", p) for p in expected])

    @staticmethod
    def cut_dialogue(testnet, address, domain):
        """The reply codes of one whole transaction, until the server closes."""
        codes = []
        with socket.create_connection((address, testnet.port), timeout=WAIT_S) as s:
            stream = s.makefile("rb")

            def reply():
                while True:
                    line = stream.readline()
                    if not line.endswith(b"\r\n"):
                        raise ConnectionError
                    if line[3:4] == b" ":
                        codes.append(line[:3].decode())
                        return
            try:
                reply()
                for data in [b"EHLO me\r\n", b"MAIL FROM:<s@r.example>\r\n", b"RCPT TO:<x@%s>\r\n" % domain.encode(),
                             b"DATA\r\n", MESSAGE + b".\r\n"]:
                    s.sendall(data)
                    reply()
                reply()  # nothing more may come
            except ConnectionError:
                pass
        return codes

    def test_starttls(self):
        testnet = self.start("profiles: {default: {starttls: offer}}\ndomains: [{name: a.example}]\n")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with testnet.connect() as smtp:
            smtp.ehlo()
            self.assertTrue(smtp.has_extn("starttls"))
            smtp.starttls(context=context)
            smtp.ehlo()
            self.assertFalse(smtp.has_extn("starttls"))
            smtp.sendmail("s@r.example", ["anna@a.example"], MESSAGE + b"x" * 100_000 + b"\r\n")
        (entry,) = testnet.ledger()
        self.assertTrue(entry["tls"])
        self.assertEqual(entry["size"], len(MESSAGE) + 100_002)

    def test_pipelined_burst(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        count = 500
        with socket.create_connection(("127.1.0.1", testnet.port), timeout=WAIT_S) as s:
            one = (b"MAIL FROM:<s@r.example>\r\nRCPT TO:<u@a.example>\r\nDATA\r\n"
                   + MESSAGE + b"x" * 2000 + b"\r\n.\r\n")
            sender = threading.Thread(target=lambda: s.sendall(b"EHLO me\r\n" + one * count + b"QUIT\r\n"))
            sender.start()
            said = s.makefile("rb").read()
            sender.join()
        self.assertEqual(said.count(b"\r\n250 2.0.0 Ok: queued"), count)
        self.assertTrue(said.endswith(b"221 2.0.0 Bye\r\n"))
        self.assertEqual(len(testnet.ledger()), count)

    def test_idle_connections_are_closed(self):
        testnet = self.start("idle_timeout: 100ms\ndomains: [{name: a.example}]\n")
        with socket.create_connection(("127.1.0.1", testnet.port), timeout=WAIT_S) as s:
            stream = s.makefile("rb")
            self.assertTrue(stream.readline().startswith(b"220 "))
            s.sendall(b"EHLO me\r\nMAIL FROM:<s@r.example>\r\n")
            stream.read()  # until the server closes
        (entry,) = until(testnet.ledger, "the line of the lost client")
        self.assertEqual((entry["event"], entry["phase"], entry["reply"]), ("disconnected", "mail", "timed out"))

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl command to sign")
    def test_dkim_pass_and_fail(self):
        key = os.path.join(self.folder.name, "key.pem")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True,
                                capture_output=True).stdout
        records = self.write("dkim", "k._domainkey.r.example TXT v=DKIM1; k=rsa; p=%s\n"
                             % base64.b64encode(public).decode())
        testnet = self.start("verify_dkim: true\nrecord_files: [%s]\ndomains: [{name: a.example}]\n" % records)

        # RFC 6376 with simple/simple: what is signed is what is sent.
        headers, body = b"From: s@r.example\r\nSubject: hello\r\n", b"A body.\r\n"
        field = (b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=r.example; s=k; h=From:Subject; bh="
                 + base64.b64encode(hashlib.sha256(body).digest()) + b"; b=")
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=headers + field, check=True,
                                   capture_output=True).stdout
        signed = field + base64.b64encode(signature) + b"\r\n" + headers + b"\r\n"
        with testnet.connect() as smtp:
            smtp.sendmail("s@r.example", ["anna@a.example"], signed + body)
            smtp.sendmail("s@r.example", ["anna@a.example"], signed + b"Another body.\r\n")
        self.assertEqual([e["dkim"] for e in testnet.ledger()], ["pass", "fail"])

    # DSNs

    def test_late_dsn_goes_to_the_return_path(self):
        listener = DsnListener()
        self.addCleanup(listener.server_close)
        self.addCleanup(listener.shutdown)
        testnet = self.start(
            "clock_scale: 100\ndsn: {port: %d, after: 10s}\ndomains: [{name: a.example}]\n"
            "records: [r.example MX 10 bouncer.r.example, bouncer.r.example A 127.0.0.1]\n" % listener.port)
        self.assertEqual(testnet.send("bounce-x@a.example")[0], 250)
        until(lambda: listener.messages, "the DSN")
        mail_from, rcpt_to, content = listener.messages[0]
        self.assertEqual((mail_from, rcpt_to), ("<>", "<b+t@r.example>"))
        for part in ["Content-Type: multipart/report; report-type=delivery-status;", "Auto-Submitted: auto-replied",
                     "\r\nFinal-Recipient: rfc822; bounce-x@a.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
                     "\r\nMessage-ID: <token1@r.example>\r\n"]:
            self.assertIn(part, content)
        until(lambda: len(testnet.ledger()) == 2, "the ledger line of the DSN")
        sent = testnet.ledger()[1]
        self.assertEqual((sent["event"], sent["rcpt_to"], sent["mail_from"], sent["message_id"], sent["code"]),
                         ("dsn_sent", "bounce-x@a.example", "b+t@r.example", "token1@r.example", 250))

    def test_dsn_is_tried_again(self):
        listener = DsnListener(refuse_first=2)
        self.addCleanup(listener.server_close)
        self.addCleanup(listener.shutdown)
        testnet = self.start("dsn: {host: 127.0.0.1, port: %d, after: 0s, retry_delay: 20ms}\n"
                             "domains: [{name: a.example}]\n" % listener.port)
        testnet.send("bounce-x@a.example")
        until(lambda: listener.messages, "the DSN")
        until(lambda: [e for e in testnet.events() if e[0] == "dsn_sent"], "its line")

    def test_dsn_without_a_way_fails_in_the_ledger(self):
        testnet = self.start("dsn: {after: 0s, retry_delay: 10ms, attempts: 2}\ndomains: [{name: a.example}]\n")
        testnet.send("bounce-x@a.example")
        failed = until(lambda: [e for e in testnet.ledger() if e["event"] == "dsn_failed"], "dsn_failed")
        self.assertEqual(failed[0]["reply"], "no mail host for r.example in the zone")

    def test_stop_settles_what_waits(self):
        testnet = self.start("dsn: {after: 1h}\ndomains: [{name: a.example}]\n")
        testnet.send("bounce-x@a.example")
        with testnet.connect() as smtp:
            smtp.ehlo()
            self.assertEqual(testnet.stop(), 0)
            self.assertEqual(smtp.getreply()[0], 421)
        self.assertEqual([e[0] for e in testnet.events()], ["accepted", "dsn_failed"])

    # DNS

    def test_dns_over_udp_and_tcp(self):
        testnet = self.start(
            "dns: {servfail: [broken.example], timeout: [silent.example]}\n"
            "domains: [{name: a.example, mx: [{host: mx.a.example, preference: 7, address: 127.1.2.3}]},"
            " {name: null.example, null_mx: true}, {name: '*.tail.example'}]\n"
            "records: ['big.example TXT %s']\n" % ("x" * 1500))
        for ask in (ask_udp, ask_tcp):
            mx = ask(testnet.dns, "a.example", MX)
            self.assertEqual((mx.id, mx.rcode, mx.authoritative), (0x1234, 0, True))
            self.assertEqual(mx.rdata, [b"\0\7" + name_wire("mx.a.example")])
            self.assertEqual(ask(testnet.dns, "mx.a.example", A).rdata, [bytes([127, 1, 2, 3])])
            self.assertEqual(ask(testnet.dns, "null.example", MX).rdata, [b"\0\0\0"])
            self.assertEqual(len(ask(testnet.dns, "x.tail.example", MX).rdata), 1)
            self.assertEqual(ask(testnet.dns, "elsewhere.example", MX).rcode, NXDOMAIN)
            self.assertEqual(ask(testnet.dns, "broken.example", MX).rcode, SERVFAIL)
        self.assertTrue(ask_udp(testnet.dns, "big.example", TXT).truncated)
        big = ask_tcp(testnet.dns, "big.example", TXT)
        self.assertEqual(sum(len(r) for r in big.rdata), 1500 + 6)
        with self.assertRaises(socket.timeout):
            ask_udp(testnet.dns, "silent.example", A, timeout=0.2)

    def test_hangup_reads_records_again(self):
        path = self.write("records", "")
        testnet = self.start("record_files: [%s]\n" % path)
        self.assertEqual(ask_udp(testnet.dns, "k._domainkey.r.example", TXT).rcode, NXDOMAIN)
        self.write("records", "k._domainkey.r.example TXT v=DKIM1; k=rsa; p=abc\n")
        testnet.process.send_signal(signal.SIGHUP)
        until(lambda: ask_udp(testnet.dns, "k._domainkey.r.example", TXT).rcode == 0, "the new record")
        self.write("records", "nonsense\n")
        testnet.process.send_signal(signal.SIGHUP)
        until(lambda: "records not reloaded: %s:1" % path in testnet.stderr_text(), "the complaint")
        self.assertEqual(ask_udp(testnet.dns, "k._domainkey.r.example", TXT).rcode, 0)

    # The program

    def test_counters_on_sigusr1(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        testnet.send("anna@a.example")
        testnet.send("unknown-x@a.example")
        testnet.process.send_signal(signal.SIGUSR1)
        until(lambda: "accepted=1 refused=1 " in testnet.stderr_text(), "the counters")

    def test_two_at_once(self):
        first = self.start("domains: [{name: a.example}]\n")
        second = self.start("domains: [{name: a.example}]\n")
        self.assertNotEqual(first.dns, second.dns)
        self.assertNotEqual(first.port, second.port)

    def test_check_config(self):
        path = self.write("good.yaml", "domains: [{name: a.example}]\n")
        result = self.run_binary("--config", path, "--check-config")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 sites, 1 receivers", result.stdout)

    def test_example_of_the_readme(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")) as f:
            example = re.search("```yaml\n(.*?)```", f.read(), re.S).group(1)
        os.mkdir(os.path.join(self.folder.name, "var"))
        for name in re.findall(r"\bvar/[a-z.]+", example):
            self.write(name, "one.example\n" if name == "var/domains.txt" else "")
        path = self.write("scenario.yaml", example)
        result = subprocess.run([BINARY, "--config", path, "--check-config"], cwd=self.folder.name, text=True,
                                capture_output=True, timeout=WAIT_S)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_wrong_keys_name_file_line_and_key(self):
        path = self.write("bad.yaml", "seed: 1\nprofiles:\n  default:\n    greylsit: {}\n")
        for more in ([], ["--check-config"]):
            result = self.run_binary("--config", path, *more)
            self.assertEqual(result.returncode, 2)
            self.assertIn("%s:4: profiles.default.greylsit: unknown key" % path, result.stderr)

    def test_wrong_flags(self):
        self.assertEqual(self.run_binary().returncode, 2)
        result = self.run_binary("--confg", "x")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--confg", result.stderr)
        self.assertEqual(self.run_binary("--config", "/nonexistent.yaml").returncode, 2)

    def test_taken_ports_are_named(self):
        testnet = self.start("domains: [{name: a.example}]\n")
        dns = self.write("dns.yaml", "discard_ledger: true\ndns: {listen: 127.0.0.1:%d}\n" % testnet.dns[1])
        result = self.run_binary("--config", dns)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot listen for DNS on 127.0.0.1:%d" % testnet.dns[1], result.stderr)
        smtp = self.write("smtp.yaml", "discard_ledger: true\nsmtp_port: %d\ndomains: [{name: a.example}]\n"
                          % testnet.port)
        result = self.run_binary("--config", smtp)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot listen for SMTP on 127.1.0.1:%d: Address already in use" % testnet.port, result.stderr)

    def test_ledger_that_cannot_be_opened(self):
        path = self.write("s.yaml", "ledger: /nonexistent/ledger\n")
        result = self.run_binary("--config", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot open the ledger /nonexistent/ledger", result.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        BINARY = os.path.abspath(sys.argv.pop(1))
    if not BINARY:
        sys.exit("usage: testnet_test.py PATH_OF_WAVEPOST_TESTNET (or set WAVEPOST_TESTNET)")
    unittest.main()
