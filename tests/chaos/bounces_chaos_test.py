"""kill -9 of bouncer and coordinator while reports come in; then count.

The law: every report that got its 250 is on the coordinator's books exactly once. Each recipient gets one report, over
SMTP, and no mail is handed in twice: one that got no answer may be on the books or not, but never twice.

  python3 bounces_chaos_test.py [--reports N] [--rounds N] [--seed N] [--bin DIR] [--keep]
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402
import mail_sink  # noqa: E402
import reports  # noqa: E402

SCENARIO = """profiles:
  quick: {}
domains:
  - {names: [people.test], profile: quick}
"""
VICTIMS = ["bouncer", "coordinator", "both"]
KINDS = [reports.hard, reports.soft, reports.policy, reports.auto_reply]


def send(wavepost, folder, people):
    rows = folder / "rows.csv"
    rows.write_text("email,name\n" + "".join(f"{address},Name\n" for address in people))
    (folder / "mail.html").write_text("<p>Hello {{name}}</p>")
    wavepost.cli("create", "--id", "chaos", "--csv", rows, "--subject", "Hello", "--from",
                 "Survey <survey@survey.test>", "--html", folder / "mail.html", "--start")
    clusters.wait_until(lambda: int(wavepost.cli_json("report", "chaos")["waves"][0].get("delivered", 0))
                        >= len(people), 120, "the campaign", 0.2)


def kill(wavepost, victim, rng):
    names = ["bouncer", "coordinator"] if victim == "both" else [victim]
    for name in names:
        wavepost.kill(name)
    time.sleep(rng.uniform(0, 0.3))  # an outage; nothing is judged by its length
    for name in reversed(names):
        wavepost.processes[name].start()


def findings(wavepost, injector, people):
    booked = reports.settle(wavepost, "chaos", injector.taken)
    out = reports.differences(booked, injector)
    told = collections.Counter(
        event["address"] for event in map(json.loads, wavepost.cli("--json", "events").splitlines())
        if event["kind"] == "report_received")
    out += [f"{address}: {booked[address]} reports and {told[address]} events" for address in people
            if told[address] != booked[address]]
    audit = wavepost.cli_json("audit", "chaos", "--summary")
    if not audit["balanced"]:
        out.append(f"the books do not balance: {audit}")
    return out


def run(args, folder):
    rng = random.Random(args.seed)
    people = [f"u{i}@people.test" for i in range(args.reports)]
    with mail_sink.MailSink() as sink, clusters.Cluster(
            folder / "cluster", bin_dir=args.bin, senders=1, scenario=SCENARIO, starttls=False, sink_port=sink.port,
            verify_from=False) as wavepost:
        wavepost.start()
        send(wavepost, folder, people)
        paths = {message.rcpt_to[0]: message.mail_from for message in sink.messages()}
        injector = reports.Injector(wavepost.port["bounce"]).start()
        step = len(people) // (args.rounds * len(VICTIMS) + 1)
        for turn in range(args.rounds * len(VICTIMS) + 1):
            for i in range(turn * step, len(people) if turn == args.rounds * len(VICTIMS) else (turn + 1) * step):
                injector.add(people[i], paths[people[i]], KINDS[i % len(KINDS)](people[i]))
            if turn == args.rounds * len(VICTIMS):
                break
            begun = injector.decided()
            # In the middle of its load: some are done, more wait.
            clusters.wait_until(lambda: injector.decided() > begun + step // 4, 60, "reports to be taken", 0.002)
            kill(wavepost, VICTIMS[turn % len(VICTIMS)], rng)
        injector.finish()
        found = findings(wavepost, injector, people)
    print(f"{args.rounds * len(VICTIMS)} kills: {len(injector.taken)} reports got their 250, "
          f"{len(injector.unanswered)} no answer, {len(injector.refused)} were refused; wrong {len(found)}", flush=True)
    for finding in found[:20]:
        print("  " + finding)
    return not found and not injector.refused and len(injector.taken) > len(people) // 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2, help="how often each victim is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-chaos-bounces-"))
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
