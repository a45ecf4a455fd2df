"""Pause, resume, flush, drop, urgent mail and explain, through the command line and the real services.

  python3 tests/e2e/orders_test.py --bin build/release/bin
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402

BIN = None

# slow: a second and a half per message, so that a campaign is still under way when orders come. later: each address is
# put off once; the wait is minutes, unless somebody flushes.
SCENARIO = """profiles:
  quick: {}
  later: {fates: [{share: 1, fate: once 451 4.3.0 Try again later}]}
  slow: {delays: {after_dot: 1500ms}}
domains:
  - {names: [quick.test], profile: quick}
  - {names: [later.test], profile: later}
  - {names: [slow.test], profile: slow}
"""


class OrdersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-orders-"))
        cls.wavepost = clusters.Cluster(cls.folder, bin_dir=BIN, senders=1, scenario=SCENARIO, verify_dkim=False,
                                        verify_from=False, starttls=False,
                                        sender_extra="sites: {connections: 2}\n")
        cls.wavepost.start()
        (cls.folder / "mail.html").write_text("<p>Hello {{name}}</p>")

    @classmethod
    def tearDownClass(cls):
        cls.wavepost.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def create(self, name, domain, count, *more):
        rows = "".join(f"{name}-{i}@{domain},Person {i}\n" for i in range(count))
        path = self.folder / f"{name}.csv"
        path.write_text("email,name\n" + rows)
        self.wavepost.cli("create", "--csv", path, "--subject", "Hello {{name}}", "--from",
                          "Survey <survey@survey.test>", "--html", self.folder / "mail.html", "--id", name, *more,
                          "--start")

    def counts(self, name):
        return self.wavepost.cli_json("report", name)["waves"][0]

    def count(self, name, what):
        return int(self.counts(name).get(what, 0))

    def wait(self, name, what, number, timeout_s=30):
        clusters.wait_until(lambda: self.count(name, what) >= number, timeout_s,
                            lambda: f"{number} {what} of {name}: {self.counts(name)}")

    def taken(self, prefix):
        return [line for line in self.wavepost.ledger()
                if line["event"] == "accepted" and line["rcpt_to"].startswith(prefix + "-")]

    def test_a_pause_holds_a_campaign_and_nothing_else(self):
        self.wavepost.cli("pause", "--campaign", "held", "--reason", "wrong logo", check=False)
        self.wavepost.cli("pause", "--domain", "quick.test", "--reason", "wrong logo")
        self.create("held", "quick.test", 20)
        self.create("free", "slow.test", 2)
        self.wait("free", "delivered", 2)
        self.assertEqual(self.count("held", "delivered"), 0)
        self.assertEqual(self.taken("held"), [])
        told = self.wavepost.cli("explain", "held-3@quick.test")
        self.assertIn("wrong logo", told)
        self.assertIn("pauses/", told)
        # A restart of the sender forgets no pause.
        self.wavepost.kill("sender-0")
        self.wavepost.start("sender-0")
        self.create("free2", "slow.test", 2)
        self.wait("free2", "delivered", 2)
        self.assertEqual(self.taken("held"), [])
        for line in self.wavepost.cli("--json", "pauses").splitlines():
            self.wavepost.cli("resume", json.loads(line)["pause"])
        self.wait("held", "delivered", 20)
        self.wavepost.cli("audit", "held")

    def test_a_flush_does_not_wait_for_the_retry(self):
        self.create("later", "later.test", 10)
        self.wait("later", "deferrals", 10)
        self.assertEqual(self.count("later", "delivered"), 0)
        self.wavepost.cli("flush", "--domain", "later.test")
        self.wait("later", "delivered", 10)  # in seconds; the ladder says five minutes
        self.wavepost.cli("audit", "later")

    def test_a_drop_ends_what_waits_and_the_books_balance(self):
        self.create("dropped", "slow.test", 300)
        self.wait("dropped", "delivered", 1)
        self.wavepost.cli("drop", "--campaign", "dropped", "--yes")
        self.wait("dropped", "cancelled", 200)
        clusters.wait_until(lambda: self.count("dropped", "open") == 0, 30, lambda: str(self.counts("dropped")))
        counts = self.counts("dropped")
        self.assertEqual(int(counts["delivered"]) + int(counts["cancelled"]), 300, counts)
        self.assertEqual(len(self.taken("dropped")), int(counts["delivered"]))
        self.wavepost.cli("audit", "dropped")

    def test_an_urgent_message_passes_all_bulk(self):
        # All of it waits at the sender before the first one may leave; waves take turns, so twelve of them make sure
        # that it is the priority that counts and not the turn.
        self.wavepost.cli("pause", "--domain", "slow.test", "--reason", "until all have come")
        names = [f"bulk{n}" for n in range(12)]
        for name in names:
            self.create(name, "slow.test", 2)
        self.create("reset", "slow.test", 1, "--priority", "urgent")
        for name in [*names, "reset"]:
            self.wait(name, "assigned", 1)
        clusters.wait_until(lambda: self.backlog() == 0, 30, lambda: f"the sender to have them: {self.backlog()}")
        for line in self.wavepost.cli("--json", "pauses").splitlines():
            self.wavepost.cli("resume", json.loads(line)["pause"])
        self.wait("reset", "delivered", 1)
        self.assertLessEqual(len(self.taken_before("reset-0@slow.test", "bulk")), 2)  # two connections
        for name in names:
            self.wait(name, "delivered", 2, timeout_s=60)

    def backlog(self):
        return sum(int(json.loads(line)["backlog"]) for line in self.wavepost.cli("--json", "nodes").splitlines())

    def taken_before(self, address, prefix):
        taken = [line["rcpt_to"] for line in self.wavepost.ledger() if line["event"] == "accepted"]
        return [other for other in taken[:taken.index(address)] if other.startswith(prefix)]


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    BIN = args.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
