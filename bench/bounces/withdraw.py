"""From a report's 250 at the bouncer to the withdrawal at the sender, with the real services.

  python3 bench/bounces/withdraw.py [--reports N] [--rate N] [--json] [--check]

A first campaign is delivered; a second one to the same people waits in the sender's queue, held by a pause. Then each
person's first mail bounces hard: the clock starts when the bouncer has answered the final dot with 250, and stops
when the second mail's outcome "suppressed" is read from the live event log. That is the word of the sender that has
withdrawn it, so each figure also holds the way back: from the sender to the coordinator's disk and out to the reader.
--check: a missed mark is exit code 1.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))
import cluster as clusters  # noqa: E402
import mail_sink  # noqa: E402
import reports  # noqa: E402

SCENARIO = """profiles:
  quick: {}
domains:
  - {names: [people.test], profile: quick}
"""
MARK_MS = 500  # p99


class Follower:
    """Reads the event log live and keeps when each address's outcome "suppressed" was read."""

    def __init__(self, wavepost):
        self.seen = {}
        self.popen = subprocess.Popen(wavepost.cli_command("--json", "events", "--follow", "--wave", "held/main"),
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            now = time.monotonic()
            event = json.loads(line)
            if event["kind"] == "outcome_recorded" and event.get("outcome") == "suppressed":
                self.seen[event["address"]] = now

    def stop(self):
        self.popen.terminate()
        self.popen.wait()


def create(wavepost, folder, campaign, rows):
    wavepost.cli("create", "--id", campaign, "--csv", rows, "--subject", "Hello", "--from",
                 "Survey <survey@survey.test>", "--html", folder / "mail.html", "--start")


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def measure(args, folder):
    people = [f"u{i}@people.test" for i in range(args.reports)]
    rows = folder / "rows.csv"
    rows.write_text("email,name\n" + "".join(f"{address},Name\n" for address in people))
    (folder / "mail.html").write_text("<p>Hello {{name}}</p>")
    with mail_sink.MailSink() as sink, clusters.Cluster(
            folder / "cluster", bin_dir=args.bin, senders=args.senders, scenario=SCENARIO, starttls=False,
            sink_port=sink.port, verify_from=False) as wavepost:
        wavepost.start()
        create(wavepost, folder, "sent", rows)
        clusters.wait_until(lambda: int(wavepost.cli_json("report", "sent")["waves"][0].get("delivered", 0))
                            >= len(people), 120, "the first campaign", 0.2)
        wavepost.cli("pause", "--domain", "people.test", "--reason", "withdraw")
        create(wavepost, folder, "held", rows)
        clusters.wait_until(lambda: int(wavepost.cli_json("report", "held")["waves"][0].get("open", 0)) == len(people)
                            and sum(node["queued"] for node in map(json.loads, wavepost.cli(
                                "--json", "nodes").splitlines())) >= len(people), 60, "the second campaign", 0.2)
        paths = {message.rcpt_to[0]: message.mail_from for message in sink.messages()}
        follower = Follower(wavepost)
        taken = {}
        injector = reports.Injector(wavepost.port["bounce"], connections=4,
                                    on_taken=lambda address: taken.setdefault(address, time.monotonic())).start()
        time.sleep(0.5)
        begin = time.monotonic()
        for i, address in enumerate(people):
            time.sleep(max(0.0, begin + i / args.rate - time.monotonic()))
            injector.add(address, paths[address], reports.hard(address))
        injector.finish()
        clusters.wait_until(lambda: len(follower.seen) >= len(people), 60,
                            lambda: f"withdrawals: {len(follower.seen)} of {len(people)}", 0.05)
        follower.stop()
        return sorted((follower.seen[address] - taken[address]) * 1000 for address in people)


def missed(result):
    """Sentences about the marks that the figures miss."""
    return [] if result["p99_ms"] < MARK_MS else [f"p99 is {result['p99_ms']} ms; the mark is below {MARK_MS} ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=600)
    parser.add_argument("--rate", type=float, default=50, help="reports a second")
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="a missed mark is exit code 1")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-withdraw-"))
    try:
        ms = measure(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result = {"reports": len(ms), "rate": args.rate, "senders": args.senders, "p50_ms": round(percentile(ms, 0.5), 1),
              "p90_ms": round(percentile(ms, 0.9), 1), "p99_ms": round(percentile(ms, 0.99), 1),
              "max_ms": round(ms[-1], 1), "load": round(os.getloadavg()[0], 1)}
    if args.json:
        print(json.dumps(result))
    else:
        print(f"250 -> withdrawn, {result['reports']} reports at {args.rate:g}/s: p50 {result['p50_ms']} ms, p90 "
              f"{result['p90_ms']} ms, p99 {result['p99_ms']} ms, longest {result['max_ms']} ms "
              f"(mark: p99 < {MARK_MS} ms; load {result['load']})")
    if not args.check:
        return 0
    for sentence in missed(result):
        print(f"MISSED: {sentence}", file=sys.stderr)
    return 1 if missed(result) else 0


if __name__ == "__main__":
    sys.exit(main())
