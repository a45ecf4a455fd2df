"""Shows over-fitting of the bouncer's rules: how good they are where no rule may count that only this mail needs.

  python3 tests/corpus/kfold.py --bouncer build/release/bin/wavepost-bouncer --corpus DIR [--folds 10] [--list]

DIR holds mails and labels.jsonl (path, class, also_ok, recipient_any; see the corpus's own README). Mails are dealt
into folds by a hash of their path. For each fold the bouncer is run again without the rules and formats that decide
nothing outside of that fold: what remains is judged by what other mail has confirmed. Accuracy that drops between the
first line and the last was bought with rules for single mails; --list names these rules.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

CLASSES = {"policy": "soft", "challenge": "auto_reply", "unspecified": "not_a_bounce"}


def fold_of(path, folds):
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") % folds


def run(bouncer, folder, without=()):
    """Predictions by path: lists of objects, as `parse --jsonl --explain` writes them."""
    command = [bouncer, "parse", "--jsonl", "--explain", str(folder)]
    if without:
        command += ["--without", ",".join(sorted(without))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found[row["path"]].append(row)
    return found


def address(text):
    return (text or "").strip().strip("<>").lower()


def pairs(labels, predictions):
    """Each label with its prediction or None: first by address, then in order."""
    rest = list(predictions)
    chosen = [None] * len(labels)
    for i, label in enumerate(labels):
        wanted = {address(a) for a in label.get("recipient_any") or []}
        for row in rest:
            if address(row["recipient"]) in wanted:
                chosen[i] = row
                rest.remove(row)
                break
    for i in range(len(labels)):
        if chosen[i] is None and rest:
            chosen[i] = rest.pop(0)
    return list(zip(labels, chosen))


class Score:
    def __init__(self):
        self.rows = self.right = self.named = self.named_right = self.keep = self.false_hard = 0

    def add(self, label, row):
        got = CLASSES.get(row["class"], row["class"]) if row else "not_a_bounce"
        allowed = {label["class"], *(label.get("also_ok") or [])}
        self.rows += 1
        self.right += got in allowed
        wanted = {address(a) for a in label.get("recipient_any") or []} - {""}
        if wanted:
            self.named += 1
            self.named_right += bool(row) and address(row["recipient"]) in wanted
        if not allowed & {"hard", "complaint", "unsubscribe"}:
            self.keep += 1
            self.false_hard += got == "hard"

    def line(self, title):
        def share(part, whole):
            return f"{100 * part / whole:6.2f} %" if whole else "     - "
        return (f"{title:24} {self.rows:5}  {share(self.right, self.rows)}  {share(self.named_right, self.named)}  "
                f"{share(self.false_hard, self.keep)} ({self.false_hard})")


def main():
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--bouncer", required=True)
    flags.add_argument("--corpus", required=True, type=pathlib.Path)
    flags.add_argument("--folds", type=int, default=10)
    flags.add_argument("--list", action="store_true", help="name the rules that only one mail needs")
    args = flags.parse_args()

    labels = collections.defaultdict(list)
    for line in (args.corpus / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        labels[label["path"]].append(label)

    everything = run(args.bouncer, args.corpus)
    users = collections.defaultdict(set)  # rule or format -> mails that it decides
    for path, rows in everything.items():
        for row in rows:
            for name in (row["rule"], row["format"]):
                if name and path in labels:
                    users[name].add(path)

    print(f"{'':24} {'rows':>5}  {'class':>8}  {'recipient':>8}  {'false hard':>8}")
    total = Score()
    for path, rows in labels.items():
        for label, row in pairs(rows, everything.get(path, [])):
            total.add(label, row)
    print(total.line("all rules"))

    held = Score()
    for fold in range(args.folds):
        mine = [path for path in labels if fold_of(path, args.folds) == fold]
        alone = {name for name, paths in users.items() if all(fold_of(p, args.folds) == fold for p in paths)}
        with tempfile.TemporaryDirectory() as scratch:
            for path in mine:
                copy = pathlib.Path(scratch) / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes((args.corpus / path).read_bytes())
            found = run(args.bouncer, scratch, alone)
        score = Score()
        for path in mine:
            for label, row in pairs(labels[path], found.get(path, [])):
                score.add(label, row)
                held.add(label, row)
        print(score.line(f"fold {fold}, {len(alone)} rules less"))
    print(held.line("rules of other folds"))

    single = sorted(name for name, paths in users.items() if len(paths) == 1)
    print(f"{len(users)} rules and formats decide; {len(single)} of them a single mail each")
    if args.list:
        for name in single:
            print(f"  {name:26} {next(iter(users[name]))}")


if __name__ == "__main__":
    sys.exit(main())
