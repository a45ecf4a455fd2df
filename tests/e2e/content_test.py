"""Content and identity through the command line and the real services: domains, keys, files, preview, unsubscribing.

  python3 tests/e2e/content_test.py --bin build/release/bin
"""

import argparse
import email
import email.message
import email.policy
import gzip
import json
import pathlib
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402
import mail_sink  # noqa: E402

BIN = None
SCENARIO = """profiles:
  quick: {}
domains:
  - {names: [people.test], profile: quick}
"""
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
                    "c0f01f00050001ff56c7a2e70000000049454e44ae426082")
# What differs between two makings of a message: its date, and what is signed over it.
VARYING = re.compile(rb"^(Date: [^\r]*|DKIM-Signature: (?:[^\r]|\r\n[ \t])*)\r\n", re.M)


class ContentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-content-"))
        cls.sink = mail_sink.MailSink().__enter__()
        cls.wavepost = clusters.Cluster(
            cls.folder / "cluster", bin_dir=BIN, senders=1, scenario=SCENARIO, starttls=False, sink_port=cls.sink.port,
            coordinator_extra="identity: {domain: mail.wavepost.test, feedback_id: wavepost}\n"
                              "unsubscribe: {url: \"https://u.wavepost.test/u\"}\n")
        cls.wavepost.start()
        # The coordinator looks at its own records when it starts and then every hour; a check takes up what is new.
        cls.wavepost.publish(cls.wavepost.cli_json("identity", "show")["dns_records"])
        cls.wavepost.cli("identity", "check", check=False)
        (cls.folder / "mail.html").write_text(
            '<html><head><title>Hello</title></head><body><p>Grüß Gott {{name}}</p><img src="cid:logo" alt="Logo">'
            '{{#items}}<p>Item {{title}}</p>{{/items}}</body></html>')
        (cls.folder / "plain.html").write_text("<p>Hello {{name}}</p>")
        (cls.folder / "logo.png").write_bytes(PNG)
        (cls.folder / "Angebot für Sie.pdf").write_bytes(b"%PDF-1.4 " + bytes(range(256)) * 50)

    @classmethod
    def tearDownClass(cls):
        cls.wavepost.__exit__()
        cls.sink.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_cli(self, *args, binary=False):
        return subprocess.run(self.wavepost.cli_command(*args), capture_output=True, text=not binary, timeout=120,
                              stdin=subprocess.DEVNULL)

    def create(self, name, sender, *more, html="plain.html", rows="anna@people.test,Anna\n", columns="email,name",
               start=True):
        path = self.folder / f"{name}.csv"
        path.write_text(columns + "\n" + rows)
        return self.run_cli("create", "--id", name, "--csv", path, "--subject", "Hallo {{name}}", "--from", sender,
                            "--html", self.folder / html, *more, *(["--start"] if start else []))

    def delivered(self, name, count=1):
        def done():
            return int(self.wavepost.cli_json("report", name)["waves"][0].get("delivered", 0)) >= count
        clusters.wait_until(done, 30, lambda: f"{count} of {name}: {self.wavepost.cli('report', name)}")

    def one(self, address):
        taken = self.sink.messages(address)
        self.assertEqual(len(taken), 1)
        return taken[0]

    def test_nothing_leaves_from_a_domain_that_is_not_verified(self):
        added = self.wavepost.cli_json("domains", "add", "late.test")
        refused = self.create("late", "Late <a@late.test>", rows="late@people.test,Late\n")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("late.test", refused.stderr)
        self.assertIn("domains verify", refused.stderr)
        looked = self.run_cli("domains", "verify", "late.test")
        self.assertNotEqual(looked.returncode, 0)
        self.assertIn("_domainkey.late.test", looked.stdout)
        self.assertEqual(self.sink.messages("late@people.test"), [])

        self.wavepost.publish(added["dns_records"])
        clusters.wait_until(lambda: self.run_cli("domains", "verify", "late.test").returncode == 0, 20,
                            lambda: self.run_cli("domains", "verify", "late.test").stdout, 0.3)
        self.wavepost.cli("start", "late")
        self.delivered("late")
        message = self.one("late@people.test")
        self.assertTrue(message.mail_from.endswith("@wpbounce.late.test"), message.mail_from)
        signatures = re.findall(rb"DKIM-Signature: .*?a=([a-z0-9-]+);.*?d=([a-z.]+);", message.data, re.S)
        self.assertEqual({(a, d) for a, d in signatures if d == b"late.test"},
                         {(b"rsa-sha256", b"late.test"), (b"ed25519-sha256", b"late.test")})
        kinds = [json.loads(line)["kind"] for line in self.wavepost.cli("events", "--json").splitlines()]
        self.assertIn("domain_changed", kinds)
        self.assertIn("key_changed", kinds)

    def test_a_neutral_address_stands_in(self):
        self.wavepost.add_sending_domain("neutral.test")
        self.wavepost.cli("domains", "add", "slow.test")
        self.wavepost.cli("tenants", "update", "default", "--fallback-from", "survey@neutral.test")
        try:
            created = self.create("standin", "Slow Inc <hr@slow.test>", rows="standin@people.test,Stan\n")
            self.assertEqual(created.returncode, 0, created.stderr)
            self.assertIn("survey@neutral.test", created.stdout + created.stderr)
            self.delivered("standin")
        finally:
            self.wavepost.cli("tenants", "update", "default", "--fallback-from", "")
        message = email.message_from_bytes(self.one("standin@people.test").data, policy=email.policy.default)
        self.assertEqual(message["From"].addresses[0].addr_spec, "survey@neutral.test")
        self.assertEqual(message["From"].addresses[0].display_name, "Slow Inc")
        self.assertEqual(message["Reply-To"].addresses[0].addr_spec, "hr@slow.test")

    def test_the_preview_is_what_leaves(self):
        self.wavepost.add_sending_domain("preview.test")
        rows = 'otto@people.test,Otto Öß,"[{""title"": ""<Eins>""}, {""title"": ""Zwei""}]"\n'
        created = self.create(
            "preview", "Prüfung <a@preview.test>", "--inline", f"logo={self.folder / 'logo.png'}", "--attach",
            self.folder / "Angebot für Sie.pdf", "--json-column", "items", "--reply-to", "{{name}} <otto@preview.test>",
            "--header", "X-MS-Exchange-Organization-SkipSafeLinksProcessing: 1", "--auto-submitted", html="mail.html",
            rows=rows, columns="email,name,items", start=False)
        self.assertEqual(created.returncode, 0, created.stderr)
        self.wavepost.cli("start", "preview")
        self.delivered("preview")
        shown = self.run_cli("render", "--campaign", "preview", "--recipient", "otto@people.test", binary=True)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        left = self.one("otto@people.test").data
        self.assertEqual(VARYING.sub(b"", shown.stdout), VARYING.sub(b"", left))
        self.assertEqual(shown.stdout.count(b"DKIM-Signature:"), left.count(b"DKIM-Signature:"))

        message = email.message_from_bytes(left, policy=email.policy.default)
        self.assertEqual(message["Subject"], "Hallo Otto Öß")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertEqual(message["X-MS-Exchange-Organization-SkipSafeLinksProcessing"], "1")
        self.assertTrue(message["Feedback-ID"].endswith(":wavepost"), message["Feedback-ID"])
        self.assertIsNone(message["Precedence"])
        attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
        self.assertEqual(attached, {"Angebot für Sie.pdf": (self.folder / "Angebot für Sie.pdf").read_bytes()})
        html = message.get_body(("html",)).get_content()
        self.assertIn("Item &lt;Eins&gt;", html)
        self.assertIn("Item <Eins>", message.get_body(("plain",)).get_content())
        pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
        self.assertEqual([part["Content-ID"] for part in pictures], ["<logo>"])

        page = self.folder / "preview.html"
        self.wavepost.cli("render", "--campaign", "preview", "--recipient", "otto@people.test", "--html", "--output",
                          page)
        self.assertIn("data:image/png;base64,", page.read_text())

    def test_unsubscribing_by_mail(self):
        self.wavepost.add_sending_domain("leaving.test")
        self.create("leaving", "A <a@leaving.test>", rows="leaving@people.test,Lea\n")
        self.delivered("leaving")
        message = email.message_from_bytes(self.one("leaving@people.test").data, policy=email.policy.default)
        self.assertEqual(message["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        link = re.search(r"<(https://u\.wavepost\.test/u/[a-z0-9]+)>", str(message["List-Unsubscribe"]))
        self.assertIsNotNone(link, message["List-Unsubscribe"])
        target = re.search(r"<mailto:([^?>]+)", str(message["List-Unsubscribe"])).group(1)
        with smtplib.SMTP("127.0.0.1", self.wavepost.port["bounce"], timeout=20) as smtp:
            smtp.sendmail("leaving@people.test", [target], "Subject: unsubscribe\r\n\r\nplease\r\n")
        clusters.wait_until(lambda: "leaving@people.test" in self.wavepost.cli("suppressions", "list"), 20,
                            "the suppression")
        again = self.create("leaving2", "A <a@leaving.test>", rows="leaving@people.test,Lea\nstays@people.test,Sue\n")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.delivered("leaving2")
        self.assertEqual(len(self.sink.messages("leaving@people.test")), 1)

    def page(self, path, body=None, language="en"):
        """Asks the bouncer's unsubscribe page: (status, text)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.wavepost.port['page']}{path}", data=body,
                                         headers={"Accept-Language": language})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_unsubscribing_by_one_click(self):
        self.wavepost.add_sending_domain("click.test")
        self.create("click", "A <a@click.test>", rows="click@people.test,Cleo\nlooks@people.test,Lou\n")
        self.delivered("click", 2)
        paths = {}
        for who in ("click@people.test", "looks@people.test"):
            message = email.message_from_bytes(self.one(who).data, policy=email.policy.default)
            paths[who] = re.search(r"<https://u\.wavepost\.test(/u/[a-z0-9]+)>", str(message["List-Unsubscribe"])).group(1)
        # What mail scanners do: it changes nothing.
        status, text = self.page(paths["looks@people.test"], language="de")
        self.assertEqual(status, 200)
        self.assertIn("Abmelden", text)
        # What mailbox providers do (RFC 8058), twice.
        for _ in range(2):
            self.assertEqual(self.page(paths["click@people.test"], b"List-Unsubscribe=One-Click")[0], 200)
        self.assertEqual(self.page("/u/" + "a" * 31, b"List-Unsubscribe=One-Click")[0], 404)
        clusters.wait_until(lambda: "click@people.test" in self.wavepost.cli("suppressions", "list"), 20,
                            "the suppression")
        self.create("click2", "A <a@click.test>", rows="click@people.test,Cleo\nlooks@people.test,Lou\n")
        self.delivered("click2")
        self.assertEqual(len(self.sink.messages("click@people.test")), 1)
        clusters.wait_until(lambda: len(self.sink.messages("looks@people.test")) == 2, 20, "who only looked")

    def report_by_mail(self, local_part, content, name):
        """A receiver's report, packed, to the bouncer."""
        message = email.message.EmailMessage()
        message["From"], message["To"] = "noreply@receiver.test", f"{local_part}@bounce.wavepost.test"
        message["Subject"] = "Report"
        message.set_content("See the file.")
        message.add_attachment(gzip.compress(content.encode()), maintype="application", subtype="gzip", filename=name)
        with smtplib.SMTP("127.0.0.1", self.wavepost.port["bounce"], timeout=20) as smtp:
            smtp.send_message(message, "noreply@receiver.test", [message["To"]])

    def test_what_receivers_report_about_a_domain(self):
        self.wavepost.add_sending_domain("reported.test")
        ours = self.wavepost.egress[0][0]
        begin = int(time.time()) // 86400 * 86400 - 86400
        rows = "".join(
            f"<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none"
            f"</disposition><dkim>{result}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>"
            "reported.test</header_from></identifiers></record>"
            for ip, count, result in ((ours, 40, "pass"), ("203.0.113.9", 2, "fail")))
        xml = ("<feedback><report_metadata><org_name>receiver.test</org_name><report_id>7</report_id><date_range>"
               f"<begin>{begin}</begin><end>{begin + 86399}</end></date_range></report_metadata><policy_published>"
               f"<domain>reported.test</domain><p>none</p></policy_published>{rows}</feedback>")
        for _ in range(2):  # the same one counts once
            self.report_by_mail("dmarc", xml, "report.xml.gz")
        tls = {"organization-name": "receiver.test", "report-id": "8", "date-range": {
            "start-datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)),
            "end-datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + 86399))},
            "policies": [{"policy": {"policy-type": "sts", "policy-domain": "reported.test"}, "summary": {
                "total-successful-session-count": 9, "total-failure-session-count": 1}, "failure-details": [
                    {"result-type": "certificate-expired", "failed-session-count": 1}]}]}
        self.report_by_mail("tlsrpt", json.dumps(tls), "report.json.gz")
        # In order behind the others: once it is in the books, they are.
        clusters.wait_until(lambda: "certificate-expired" in self.wavepost.cli("reports", "tls", "reported.test"), 20,
                            "the TLS report")
        text = self.wavepost.cli("reports", "dmarc", "reported.test")
        self.assertIn("42 messages in the last 30 days: 40 passed DMARC, 2 failed", text)
        self.assertRegex(text, re.escape(ours) + r" +ours ")
        self.assertRegex(text, r"203\.0\.113\.9 +NOT OURS ")
        self.assertEqual(self.wavepost.cli("reports", "list", "reported.test").count("receiver.test"), 2)
        # A stranger's domain is nobody's.
        self.assertNotEqual(self.run_cli("reports", "dmarc", "stranger.test").returncode, 0)

    def test_smime(self):
        self.wavepost.add_sending_domain("signed.test")
        authority, key = self.folder / "ca.pem", self.folder / "key.pem"
        p12, wrong = self.folder / "me.p12", self.folder / "wrong.txt"
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", authority,
                   "-days", "60", "-subj", "/CN=Signer", "-addext", "subjectAltName=email:hr@signed.test", "-addext",
                   "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=emailProtection"]
        subprocess.run(openssl, check=True, capture_output=True)
        subprocess.run(["openssl", "pkcs12", "-export", "-in", authority, "-inkey", key, "-out", p12, "-passout",
                        "pass:geheim"], check=True, capture_output=True)
        wrong.write_text("falsch\n")
        refused = self.run_cli("certificates", "add", p12, "--password-file", wrong)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("password", refused.stderr)
        missing = self.create("unsigned", "HR <hr@signed.test>", "--smime", rows="smime0@people.test,Sam\n")
        self.assertNotEqual(missing.returncode, 0, "there is no certificate yet")
        wrong.write_text("geheim\n")
        self.wavepost.cli("certificates", "add", p12, "--password-file", wrong)
        created = self.create("smime", "HR <hr@signed.test>", "--smime", rows="smime@people.test,Sam\n")
        self.assertEqual(created.returncode, 0, created.stderr)
        self.delivered("smime")
        mail = self.folder / "smime.eml"
        mail.write_bytes(self.one("smime@people.test").data)
        checked = subprocess.run(["openssl", "cms", "-verify", "-in", mail, "-CAfile", authority, "-purpose", "any",
                                  "-out", "/dev/null"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_what_is_wrong_is_refused_with_place_and_cure(self):
        big = self.folder / "big.bin"
        with open(big, "wb") as file:
            file.truncate(100 << 20)
        (self.folder / "broken.html").write_text("<p>\n  {{#name}}Hello\n</p>")
        (self.folder / "recursion.html").write_text("<p>{{> self}}</p>")
        (self.folder / "latin.html").write_bytes("<p>Grüße {{name}}</p>".encode("latin-1"))
        sender = "A <a@wrong.test>"
        rows = [
            ("attachment", self.create("wrong1", sender, "--attach", big), ["big.bin", "10 MB"]),
            ("template", self.create("wrong2", sender, html="broken.html"), ["html", "line 2"]),
            ("recursion", self.create("wrong3", sender, html="recursion.html"), ["html", "line 1", "partial"]),
            ("charset", self.create("wrong4", sender, html="latin.html"), ["UTF-8"]),
            ("header", self.create("wrong5", sender, "--header", "Received: by me"), ["Received"]),
            ("variable", self.create("wrong6", sender, "--header", "X-A: {{nmae}}"), ["nmae", "name"]),
        ]
        for name, done, words in rows:
            with self.subTest(name):
                self.assertNotEqual(done.returncode, 0)
                for word in words:
                    self.assertIn(word, done.stderr)

    def test_the_sheet_tells_what_is_live(self):
        self.wavepost.add_sending_domain("sheet.test")
        self.wavepost.cli("domains", "add", "never.test")
        for language in ("de", "en"):
            for form in ("md", "html"):
                sheet = self.wavepost.cli("allowlist", "--lang", language, "--format", form)
                for fact in (self.wavepost.egress[0][0], "sheet.test", "bounce.wavepost.test"):
                    self.assertIn(fact, sheet, f"{language} {form}")
                self.assertNotIn("never.test", sheet, "whose records nobody has seen")

    def test_cname_mode_keeps_two_fixed_names(self):
        added = self.wavepost.cli_json("domains", "add", "cname.test", "--mode", "cname")
        aliases = {r["owner"]: r["data"] for r in added["dns_records"] if r["type"] == "CNAME"}
        for selector in ("wp1", "wp2"):
            self.assertTrue(aliases[f"{selector}._domainkey.cname.test"].endswith(".mail.wavepost.test"), aliases)
        self.wavepost.publish(added["dns_records"])
        self.wavepost.publish(self.wavepost.cli_json("identity", "show")["dns_records"])
        clusters.wait_until(lambda: self.run_cli("domains", "verify", "cname.test").returncode == 0, 20,
                            lambda: self.run_cli("domains", "verify", "cname.test").stdout, 0.3)
        created = self.create("cname", "C <c@cname.test>", rows="cname@people.test,Carl\n")
        self.assertEqual(created.returncode, 0, created.stderr)
        self.delivered("cname")
        self.assertIn(b"s=wp1", self.one("cname@people.test").data)


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    BIN = args.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
