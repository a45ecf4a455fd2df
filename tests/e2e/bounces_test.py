"""What comes back, from the bouncer's port to the books, with the real services.

  python3 tests/e2e/bounces_test.py --bin build/release/bin
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402
import mail_sink  # noqa: E402
import reports  # noqa: E402

BIN = None
SCENARIO = """profiles:
  quick: {}
domains:
  - {names: [people.test], profile: quick}
"""
PEOPLE = ["hard", "soft", "policy", "delay", "away", "complainer", "forged", "often", "again", "many"]


class BouncesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-bounces-"))
        cls.sink = mail_sink.MailSink().__enter__()
        cls.wavepost = clusters.Cluster(cls.folder / "cluster", bin_dir=BIN, senders=1, scenario=SCENARIO,
                                        starttls=False, sink_port=cls.sink.port, verify_from=False)
        cls.wavepost.start()
        cls.bounce_port = cls.wavepost.port["bounce"]
        (cls.folder / "mail.html").write_text("<p>Hello {{name}}</p>")
        cls.send("first", PEOPLE)

    @classmethod
    def tearDownClass(cls):
        cls.wavepost.__exit__()
        cls.sink.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def send(cls, campaign, people):
        """A campaign to people@people.test; returns when all of it is delivered."""
        rows = cls.folder / f"{campaign}.csv"
        rows.write_text("email,name\n" + "".join(f"{who}@people.test,Name\n" for who in people))
        cls.wavepost.cli("create", "--id", campaign, "--csv", rows, "--subject", "Hello", "--from",
                         "Survey <survey@survey.test>", "--html", cls.folder / "mail.html", "--start")

        def delivered():
            return int(cls.wavepost.cli_json("report", campaign)["waves"][0].get("delivered", 0)) >= len(people)
        clusters.wait_until(delivered, 30, lambda: cls.wavepost.cli("report", campaign), 0.2)

    # --- what is asked ----------------------------------------------------------------------------------------------
    def return_path(self, who):
        """Of the newest mail to them."""
        return self.sink.messages(f"{who}@people.test")[-1].mail_from

    def bounce(self, who, text):
        code, answer = reports.inject(self.bounce_port, self.return_path(who), text)
        self.assertEqual(code, 250, answer)

    def recipient(self, who, campaign="first"):
        for entry in self.wavepost.cli_json("audit", campaign)["recipients"]:
            if entry["address"] == f"{who}@people.test":
                return self.wavepost.cli_json("recipient", entry["recipient"])
        self.fail(f"{who} is not in {campaign}")

    def events(self, *kinds):
        out = [json.loads(line) for line in
               self.wavepost.cli("events", "--all-tenants", "--json").splitlines()]
        return [event for event in out if event["kind"] in kinds]

    def events_of(self, who, kind):
        return [event for event in self.events(kind) if event.get("address") == f"{who}@people.test"]

    def listed(self, who):
        """The entry of the suppression list, or None."""
        done = subprocess.run(self.wavepost.cli_command("--json", "suppressions", "show", f"{who}@people.test"),
                              capture_output=True, text=True, timeout=60)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def reported(self, who, count=1, campaign="first"):
        """Waits until so many reports about them are on the books; returns the recipient."""
        def there():
            return self.count(self.recipient(who, campaign)) >= count
        clusters.wait_until(there, 20, lambda: f"{count} reports: {self.recipient(who, campaign)}", 0.1)
        return self.recipient(who, campaign)

    @staticmethod
    def count(recipient):
        return sum(kind["count"] for kind in recipient.get("reports", []))

    def assert_balanced(self, campaign):
        audit = self.wavepost.cli_json("audit", campaign, "--summary")
        self.assertTrue(audit["balanced"], audit)

    # --- scenarios --------------------------------------------------------------------------------------------------
    def test_a_hard_bounce_marks_and_is_cleared_and_marks_anew(self):
        self.bounce("hard", reports.hard("hard@people.test"))
        shown = self.reported("hard")
        self.assertEqual(shown["outcome"], "bounced")
        self.assertEqual(shown["reports"][0]["bounce_class"], "hard")
        self.assertEqual(shown["reports"][0]["reason"], "user_unknown")
        entry = self.listed("hard")
        self.assertEqual(entry["cause"], "hard_bounce")
        self.assertIn("no such user", entry["evidence"])
        self.assertIn("1x hard (user_unknown)", self.wavepost.cli("recipient", shown["recipient"]))

        self.wavepost.cli("suppressions", "remove", "hard@people.test", "--who", "jo@survey.test", "--why", "new box")
        self.assertIsNone(self.listed("hard"))
        removed = self.events_of("hard", "suppression_removed")
        self.assertEqual(len(removed), 1)
        self.assertIn("jo@survey.test", removed[0]["text"])
        self.send("second", ["hard"])  # may be mailed again
        self.bounce("hard", reports.hard("hard@people.test"))
        self.reported("hard", campaign="second")
        self.assertEqual(self.listed("hard")["cause"], "hard_bounce")
        self.assertEqual(len(self.events_of("hard", "suppression_added")), 2)
        # And the old mail's report again: nothing is new about it.
        self.wavepost.cli("suppressions", "remove", "hard@people.test", "--who", "jo@survey.test", "--why", "again")
        self.bounce("hard", reports.hard("hard@people.test"))
        self.reported("hard", 2, campaign="second")
        self.assertIsNotNone(self.listed("hard"))
        self.assertEqual(len(self.events_of("hard", "report_received")), 3)
        self.assert_balanced("first")
        self.assert_balanced("second")

    def test_what_does_not_mark_an_address(self):
        for who, text, bounce_class, outcome in [
                ("soft", reports.soft("soft@people.test"), "soft", "bounced"),
                ("policy", reports.policy("policy@people.test"), "policy", "bounced"),
                ("delay", reports.delay("delay@people.test"), "delay_notice", "delivered"),
                ("away", reports.auto_reply("away@people.test"), "auto_reply", "delivered")]:
            with self.subTest(who):
                self.bounce(who, text)
                shown = self.reported(who)
                self.assertEqual(shown["reports"][0]["bounce_class"], bounce_class)
                self.assertEqual(shown["outcome"], outcome)
                self.assertIsNone(self.listed(who))
                self.assertEqual(len(self.events_of(who, "report_received")), 1)
        self.assert_balanced("first")

    def test_a_complaint_by_the_feedback_loop(self):
        return_path = self.return_path("complainer")
        text = reports.complaint("complainer@people.test", return_path)
        domain = return_path.split("@")[1]
        code, answer = reports.inject(self.bounce_port, f"fbl@{domain}", text, "fbl@provider.test")
        self.assertEqual(code, 250, answer)
        shown = self.reported("complainer")
        self.assertEqual(shown["reports"][0]["bounce_class"], "complaint")
        self.assertEqual(shown["outcome"], "delivered")
        self.assertEqual(self.listed("complainer")["cause"], "spam_complaint")

    def test_nobody_is_marked_without_a_genuine_token(self):
        return_path = self.return_path("forged")
        token, domain = return_path.split("@")
        forged = token[:-1] + ("a" if token[-1] != "a" else "b")
        code, _ = reports.inject(self.bounce_port, f"{forged}@{domain}", reports.hard("forged@people.test"))
        self.assertEqual(code, 550)
        code, _ = reports.inject(self.bounce_port, f"forged@{domain}", reports.hard("forged@people.test"))
        self.assertEqual(code, 550)
        # A complaint whose token is broken is taken, shown to operators, and changes nothing.
        text = reports.complaint("forged@people.test", f"{forged}@{domain}")
        code, answer = reports.inject(self.bounce_port, f"fbl@{domain}", text, "fbl@provider.test")
        self.assertEqual(code, 250, answer)
        clusters.wait_until(lambda: self.events_of("forged", "report_unattributed"), 20,
                            lambda: f"the event: {self.events('report_unattributed')}", 0.1)
        event = self.events_of("forged", "report_unattributed")[0]
        self.assertNotIn("tenant", event)
        self.assertIn("was sent to in tenants/default/campaigns/first/waves/main", event["text"])
        self.assertIn("not proven, so nothing changes", event["text"])
        self.assertEqual(self.count(self.recipient("forged")), 0)
        self.assertIsNone(self.listed("forged"))
        own = self.wavepost.cli("events", "--json", "--limit", "100000")
        self.assertNotIn("report_unattributed", own)

    def test_soft_in_three_campaigns(self):
        self.wavepost.cli("tenants", "update", "default", "--soft-campaigns", "3", "--soft-window", "90d")
        for n, campaign in enumerate(["soft-a", "soft-b", "soft-c"]):
            self.assertIsNone(self.listed("full"))
            self.send(campaign, ["full"])
            for _ in range(3):  # of one campaign, many count once
                self.bounce("full", reports.soft("full@people.test"))
            self.reported("full", 3, campaign)
        entry = self.listed("full")
        self.assertEqual(entry["cause"], "soft_bounces")
        for campaign in ("soft-a", "soft-b", "soft-c"):
            self.assertIn(campaign, entry["evidence"])
        self.assertIn("mailbox is full", entry["evidence"])

    def test_a_thousand_of_one_kind(self):
        injector = reports.Injector(self.bounce_port).start()
        for i in range(1000):
            injector.add(i, self.return_path("often"), reports.hard("often@people.test", note=i))
        injector.finish()
        self.assertEqual((len(injector.taken), injector.refused, injector.unanswered), (1000, {}, set()))
        shown = self.reported("often", 1000)
        self.assertEqual(self.count(shown), 1000)
        self.assertEqual(len(shown["reports"]), 1)
        self.assertEqual(len(self.events_of("often", "report_received")), 1)
        self.assertEqual(len(self.events_of("often", "suppression_added")), 1)
        self.assertIn("1,000x hard (user_unknown), first ", self.wavepost.cli("recipient", shown["recipient"]))
        self.assert_balanced("first")


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    BIN = args.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
