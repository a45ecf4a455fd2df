"""The demo in small: real processes, a campaign end to end, both sides' books compared; and the command line round it.

  python3 e2e_test.py --bin FOLDER
"""

import argparse
import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPIENTS = 1500
BIN = None


class DemoTest(unittest.TestCase):
    def test_law_holds_and_ledger_agrees(self):
        done = subprocess.run([sys.executable, ROOT / "demo" / "demo.py", "--recipients", str(RECIPIENTS), "--json",
                               "--bin", BIN], capture_output=True, text=True, timeout=280)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 1, "stdout holds more than the final object")
        books = json.loads(lines[0])
        self.assertEqual(set(books), {"accepted", "refused", "delivered", "bounced", "expired", "suppressed", "open",
                                      "duplicates", "lost", "seconds"})
        self.assertEqual(books["accepted"] + books["refused"], RECIPIENTS)
        ends = sum(books[key] for key in ("delivered", "bounced", "expired", "suppressed"))
        self.assertEqual(books["accepted"], ends)
        self.assertEqual((books["open"], books["duplicates"], books["lost"]), (0, 0, 0))
        # 3 % unknown users and 1 % late reports, chosen by hash of the address.
        self.assertTrue(0.02 < books["bounced"] / books["accepted"] < 0.07, books)
        self.assertGreater(books["refused"], 0)


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args, rest = parser.parse_known_args()
    BIN = args.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
