"""Checks the demo's input without sending anything: python3 demo_test.py"""

import collections
import csv
import io
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import make_recipients  # noqa: E402


def good(email):
    """A rough idea of an address, enough to tell the invented bad ones from the invented good ones."""
    local, _, domain = email.partition("@")
    return (re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*", local) is not None
            and re.fullmatch(r"\w[\w-]*(\.\w[\w-]*)+", domain) is not None)


class DemoInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(HERE / "recipients.csv", encoding="utf-8", newline="") as lines:
            cls.text = lines.read()
        cls.rows = list(csv.DictReader(io.StringIO(cls.text)))

    def test_file_is_what_the_script_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "recipients.csv"
            make_recipients.write(path)
            self.assertEqual(path.read_text(encoding="utf-8"), self.text, "run python3 demo/make_recipients.py")

    def test_has_what_real_lists_have(self):
        self.assertEqual(len(self.rows), 20000)
        self.assertTrue(all(all(row.values()) for row in self.rows), "an attribute is empty")
        bad = sum(not good(row["email"]) for row in self.rows)
        self.assertTrue(150 < bad < 250, bad)
        keys = collections.Counter(row["email"].partition("@")[0] + "@" + row["email"].partition("@")[2].lower()
                                   for row in self.rows if good(row["email"]))
        duplicates = sum(n - 1 for n in keys.values())
        self.assertTrue(150 < duplicates < 250, duplicates)
        self.assertIn('"Müller, Söhne & Co. ""KG"""', self.text)
        self.assertTrue(any(not row["email"].isascii() for row in self.rows))

    def test_domains_are_300_of_unequal_size(self):
        domains = make_recipients.domains()
        self.assertEqual(len({d.name for d in domains}), 300)
        sizes = collections.Counter(row["email"].rpartition("@")[2].lower() for row in self.rows)
        self.assertGreater(sizes["grossmail.example"], 3000)
        self.assertTrue(all(sizes[d.name] >= 1 for d in domains))
        self.assertLess(sorted(sizes[d.name] for d in domains)[150], 50)
        profiles = collections.Counter(d.profile for d in domains)
        self.assertEqual(profiles["greylisting"], 60)

    def test_scenario_has_every_profile(self):
        scenario = (HERE / "scenario.yaml").read_text()
        used = {d.profile for d in make_recipients.domains()}
        self.assertEqual(set(re.findall(r"\{folder\}/(\w+)\.txt", scenario)), used)
        for profile in used:
            self.assertRegex(scenario, rf"(?m)^  {profile}:")

    def test_templates_use_columns_only(self):
        columns = set(self.rows[0])
        for name in ("invitation.html", "invitation.txt", "subject.txt"):
            variables = set(re.findall(r"\{\{[#/^&]?\s*(\w+)\s*\}\}", (HERE / name).read_text()))
            self.assertTrue(variables)
            self.assertLessEqual(variables, columns, name)


if __name__ == "__main__":
    unittest.main()
