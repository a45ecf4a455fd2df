"""The verdicts of the benchmarks: a figure beside its mark is told, and only that one."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import intake  # noqa: E402
import withdraw  # noqa: E402


class MarksTest(unittest.TestCase):
    def test_withdraw(self):
        self.assertEqual(withdraw.missed({"p99_ms": 499.9}), [])
        self.assertEqual(len(withdraw.missed({"p99_ms": 500.0})), 1)

    def test_intake(self):
        good = {"dsn": {"per_second": 2000, "peak_rss_mb": 199.9}, "tls": {"per_second": 900, "peak_rss_mb": 50},
                "big": {"peak_rss_mb": 100, "takes_mail_afterwards": True}}
        self.assertEqual(intake.missed(good), [])
        self.assertEqual(len(intake.missed(good | {"dsn": {"per_second": 1999, "peak_rss_mb": 50}})), 1)
        self.assertEqual(len(intake.missed(good | {"big": {"peak_rss_mb": 200, "takes_mail_afterwards": False}})), 2)


if __name__ == "__main__":
    unittest.main()
