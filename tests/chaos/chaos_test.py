"""kill -9 each process in turn, many times, under load; then compare the books of both sides.

The crash law: no accepted recipient is lost, and one is sent twice only if its transaction was past the final dot when
the sender died (it is then marked maybe_delivered). The testnet's ledger is written before its 250, so it knows
what was taken.

  python3 chaos_test.py [--recipients N] [--rounds N] [--seed N] [--bin DIR] [--keep]
"""

import argparse
import collections
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402

SCENARIO = """
seed: {seed}
profiles:
  default: {{delays: {{after_dot: 20ms}}}}
  grey: {{greylist: {{delay: 60s}}}}
  flaky: {{disconnect: [{{phase: rcpt, share: 0.02}}, {{phase: in_data, share: 0.02}}]}}
domains:
  - {{names: [{plain}]}}
  - {{names: [{grey}], profile: grey}}
  - {{names: [{flaky}], profile: flaky}}
"""

DOMAINS = {"plain": [f"plain{i}.test" for i in range(12)], "grey": [f"grey{i}.test" for i in range(4)],
           "flaky": [f"flaky{i}.test" for i in range(4)]}


def write_input(folder, recipients):
    """A CSV of unique addresses: one in fifty is unknown, one in fifty bounces later by DSN."""
    domains = [name for group in DOMAINS.values() for name in group]
    fates = {0: "unknown-", 1: "bounce-"}
    with open(folder / "recipients.csv", "w") as out:
        out.write("email,first_name\n")
        for i in range(recipients):
            out.write(f"{fates.get(i % 50, 'u')}{i}@{domains[i % len(domains)]},Name{i}\n")
    (folder / "mail.html").write_text("<p>Hello {{first_name}}</p>" + "<p>padding padding padding</p>" * 60)


def compare(recipients, ledger):
    """The differences between our books and the receivers': (lost, duplicates, wrong), each a list of sentences."""
    taken = collections.Counter(line["rcpt_to"].lower() for line in ledger if line["event"] == "accepted")
    lost, duplicates, wrong = [], [], []
    for entry in recipients:
        address, count = entry["address"].lower(), taken.pop(entry["address"].lower(), 0)
        if entry["outcome"] == "open":
            lost.append(f"{address}: still open")
        elif entry["outcome"] == "delivered" and count == 0:
            lost.append(f"{address}: booked as delivered, taken by nobody")
        elif count > 1:
            duplicates.append((address, count, entry.get("maybe_delivered", False)))
        elif entry["outcome"] == "bounced" and count == 1 and not address.startswith("bounce-"):
            wrong.append(f"{address}: taken, and booked as bounced")
        elif entry["outcome"] in ("suppressed", "expired") and count > 0:
            wrong.append(f"{address}: taken, and booked as {entry['outcome']}")
    wrong.extend(f"{address}: taken, and unknown to the books" for address in taken)
    return lost, duplicates, wrong


def run(args, folder):
    rng = random.Random(args.seed)
    scenario = SCENARIO.format(seed=args.seed, **{kind: ", ".join(names) for kind, names in DOMAINS.items()})
    write_input(folder, args.recipients)
    with clusters.Cluster(folder, bin_dir=args.bin, senders=3, scenario=scenario, clock_scale=60,
                          verify_dkim=False, starttls=False, log_level="info") as wavepost:
        wavepost.start()
        wavepost.add_sending_domain("survey.test")
        created = wavepost.cli_json("create", "--csv", folder / "recipients.csv", "--subject", "Hello {{first_name}}",
                                    "--from", "Survey <survey@survey.test>", "--html", folder / "mail.html",
                                    "--id", "chaos", "--start")
        print(f"accepted {created['accepted']}, seed {args.seed}", flush=True)
        victims = ["sender-0", "coordinator", "sender-1", "bouncer", "sender-2"]
        kills = collections.Counter()
        for turn in range(args.rounds * len(victims)):
            time.sleep(rng.uniform(0.1, 0.6))  # lets load build up between kills; nothing is judged by it
            victim = victims[turn % len(victims)]
            wavepost.kill(victim)
            kills[victim] += 1
            time.sleep(rng.uniform(0.0, 0.3))
            wavepost.processes[victim].start()
        print("killed " + ", ".join(f"{name} {count}x" for name, count in kills.items()), flush=True)

        def settled():
            audit = wavepost.cli_json("audit", "chaos", "--summary", check=False)
            dsns = sum(1 for line in wavepost.ledger() if line["event"] == "dsn_sent")
            expected = sum(1 for line in wavepost.ledger()
                           if line["event"] == "accepted" and line["rcpt_to"].startswith("bounce-"))
            return audit["open"] == 0 and dsns >= expected

        clusters.wait_until(settled, args.timeout, "every recipient to have an outcome", interval_s=0.5)
        bounce_total = sum(1 for i in range(args.recipients) if i % 50 == 1)
        clusters.wait_until(lambda: wavepost.cli_json("audit", "chaos", "--summary")["bounced"] >= bounce_total * 2,
                            60, "the reports of all late bounces", interval_s=0.5)
        audit = wavepost.cli_json("audit", "chaos")
        lost, duplicates, wrong = compare(audit["recipients"], wavepost.ledger())
        unmarked = [f"{address}: taken {count} times, not marked maybe_delivered"
                    for address, count, marked in duplicates if not marked]
        suppressed = len(wavepost.cli("suppressions", "list", "--json").splitlines())
    print(f"delivered {audit['delivered']}, bounced {audit['bounced']}, balanced {audit['balanced']}; "
          f"lost {len(lost)}, duplicates {len(duplicates)} (all past the final dot: {not unmarked}), "
          f"wrong {len(wrong)}, suppression lines {suppressed}", flush=True)
    for finding in (lost + unmarked + wrong)[:20]:
        print("  " + finding)
    return audit["balanced"] and not (lost or unmarked or wrong) and audit["accepted"] == args.recipients


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3, help="how often each process is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--timeout", type=float, default=180)
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations, logs and the ledger")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-chaos-"))
    good = False
    try:
        good = run(args, folder)
    finally:
        if args.keep or not good:
            print(f"kept: {folder}; again with --seed {args.seed}")
        else:
            shutil.rmtree(folder)
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
