"""Sends a survey invitation to 20,000 invented people through a whole Wavepost on this machine. Called by ./dev demo.

  ./dev demo [--recipients N] [--json] [--keep]

One coordinator, three senders (127.0.0.11, .12 and .13), one bouncer, and the simulated internet of scenario.yaml: 300
domains, of which a fifth greylists, some throttle, 3 % of the people are unknown and 1 % bounce later by report.
Nothing leaves loopback. At the end our books and the receivers' ledger are compared recipient by recipient.

  --json   prints one object on stdout and everything else on stderr: accepted, refused, delivered, bounced, expired,
           suppressed, open, duplicates, lost, seconds
  --keep   leaves everything running until Ctrl-C, to try commands on it

Exit code: 0 if the books balance and agree with the ledger, otherwise 1.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "support")]
import cluster as clusters  # noqa: E402
import make_recipients  # noqa: E402

FROM_DOMAIN = "umfrage.example"
CAMPAIGN = "survey"
CLOCK_SCALE = 60
DSN_AFTER = "10m"  # ten seconds on this clock
RESULT_KEYS = ("accepted", "refused", "delivered", "bounced", "expired", "suppressed", "open", "duplicates", "lost")
WATCH_TIMEOUT_S = 900
REPORTS_TIMEOUT_S = 90


class DemoCluster(clusters.Cluster):
    """With the addresses that the documentation names, instead of ones that differ from run to run."""

    def _write_configs(self):
        self.egress = [[f"127.0.0.{11 + n}"] for n in range(len(self.egress))]
        super()._write_configs()


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def new_folder():
    """A folder of its own under build/demo; those of runs that are over are removed."""
    base = ROOT / "build" / "demo"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.glob("run-*"):
        pid = (old / "pid").read_text() if (old / "pid").exists() else ""
        if not pid or not pathlib.Path(f"/proc/{pid}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=base))
    (folder / "pid").write_text(str(os.getpid()))
    return folder


def write_input(folder, count):
    """The CSV file and a list of domain names per profile; returns the scenario's text."""
    csv_path = HERE / "recipients.csv"
    if count != make_recipients.ROWS or not csv_path.exists():
        csv_path = folder / "recipients.csv"
        make_recipients.write(csv_path, count)
    profiles = {}
    for domain in make_recipients.domains():
        # Python's own codec knows the older IDNA 2003, which has no sharp s.
        profiles.setdefault(domain.profile, []).append(a_labels(domain.name))
    for profile, names in profiles.items():
        (folder / f"{profile}.txt").write_text("\n".join(names) + "\n")
    return csv_path, (HERE / "scenario.yaml").read_text().replace("{folder}", str(folder))


def a_labels(name):
    return ".".join(part if part.isascii() else "xn--" + part.encode("punycode").decode() for part in name.split("."))


def watch(wavepost):
    """The live view of `wavepost watch`, on the terminal if there is one."""
    # With --json, stdout belongs to the final object alone.
    command = wavepost.cli_command("watch", CAMPAIGN, "--interval", "500ms" if sys.stderr.isatty() else "2s")
    done = subprocess.run(command, stdout=sys.stderr, timeout=WATCH_TIMEOUT_S)
    if done.returncode != 0:
        raise clusters.Failure(f"wavepost watch: exit {done.returncode}")


def wait_for_reports(wavepost):
    """Until every late report that the receivers sent stands in the books."""
    say("Waiting for the reports that come back later ...")
    # One DSN per address that was taken and is to bounce: the last is due this long after the last was taken.
    quiet_s = 10 * 60 / CLOCK_SCALE + 3
    begun, sent, since = time.monotonic(), -1, time.monotonic()
    while time.monotonic() - begun < REPORTS_TIMEOUT_S:
        now_sent = sum(1 for line in wavepost.ledger() if line["event"] == "dsn_sent")
        if now_sent != sent:
            sent, since = now_sent, time.monotonic()
        if time.monotonic() - since > quiet_s:
            events = wavepost.cli("events", "--json", "--wave", f"{CAMPAIGN}/main")
            booked = sum(1 for line in events.splitlines() if '"report_received"' in line)
            if booked >= sent:
                return
        time.sleep(0.5)
    say(f"Not every report has come back after {REPORTS_TIMEOUT_S} s; going on.")


def relative(path):
    return pathlib.Path(path).relative_to(ROOT)


def table(rows):
    width = max(len(row[0]) for row in rows)
    for name, *cells in rows:
        say("  " + name.ljust(width) + "  " + "  ".join(cells))


def summary(wavepost, audit, result, sending_s):
    accepted = max(audit["accepted"], 1)
    say("\nThe books:\n")
    table([(name, f"{audit[name]:>7,}", f"{100 * audit[name] / accepted:6.2f} %")
           for name in ("delivered", "bounced", "expired", "suppressed", "open")]
          + [("accepted", f"{audit['accepted']:>7,}"),
             ("refused rows", f"{audit['refused']:>7,}", "malformed or duplicate")])
    by_ip, dkim, deferred = {}, {}, {}
    for line in wavepost.ledger():
        if line["event"] == "accepted":
            by_ip[line["client_ip"]] = by_ip.get(line["client_ip"], 0) + 1
            dkim[line["dkim"]] = dkim.get(line["dkim"], 0) + 1
        elif line["event"] == "deferred":
            deferred[line["code"]] = deferred.get(line["code"], 0) + 1
    say("\nWhat the receivers saw:\n")
    table([("taken from " + ip, f"{n:>7,}") for ip, n in sorted(by_ip.items())]
          + [("DKIM " + word, f"{n:>7,}") for word, n in sorted(dkim.items())]
          + [(f"deferred with {code}", f"{n:>7,}") for code, n in sorted(deferred.items())])
    say(f"\n  {audit['accepted'] / max(sending_s, 0.001):,.0f} recipients/s over {sending_s:.0f} s, "
        "greylisting and retries included")
    say(f"\nBooks against ledger: duplicates {result['duplicates']}, lost {result['lost']}, "
        f"mismatches {audit['mismatch_count']}, books {'balance' if audit['balanced'] else 'DO NOT BALANCE'}")
    for text in (audit["findings"] + audit["mismatches"])[:10]:
        say("  " + text)


def next_steps(wavepost):
    say(f"""
Where to look next:
  {relative(wavepost.ledger_path)}   every message as the receivers saw it
  {relative(wavepost.dir)}/*.log, *.yaml   logs and configurations of this run
  demo/scenario.yaml   how the receivers behave; change it and run again
  README.md   a start against a real server, and the flow of one recipient""")


def run(args):
    begun = time.monotonic()
    folder = new_folder()
    csv_path, scenario = write_input(folder, args.recipients)
    with DemoCluster(folder, bin_dir=args.bin, senders=3, scenario=scenario, clock_scale=CLOCK_SCALE,
                     dsn_after=DSN_AFTER, log_level="info") as wavepost:
        say("Starting coordinator, simulated internet, three senders and the bouncer ...")
        wavepost.start("coordinator", "testnet", "bouncer", *wavepost.senders())
        wavepost.add_sending_domain(FROM_DOMAIN)
        say(f"Sending an invitation to the people in {relative(csv_path)}:\n")
        started = time.monotonic()
        create = subprocess.run(
            wavepost.cli_command(
                "create", "--id", CAMPAIGN, "--csv", csv_path, "--subject-file", HERE / "subject.txt",
                "--from", f"{{{{company}}}} Umfrage <umfrage@{FROM_DOMAIN}>", "--html", HERE / "invitation.html",
                "--text", HERE / "invitation.txt", "--refused", relative(folder / "refused.csv"), "--start"),
            stdout=sys.stderr, timeout=600, cwd=ROOT)
        if create.returncode != 0:
            raise clusters.Failure(f"wavepost create: exit {create.returncode}")
        watch(wavepost)
        sending_s = time.monotonic() - started
        wait_for_reports(wavepost)
        audit = json.loads(wavepost.cli("--json", "audit", CAMPAIGN, "--summary", "--ledger", wavepost.ledger_path,
                                        check=False))  # its exit code says what the object says
        result = {key: audit[key] for key in RESULT_KEYS}
        result["seconds"] = round(time.monotonic() - begun, 1)
        summary(wavepost, audit, result, sending_s)
        next_steps(wavepost)
        if args.json:
            print(json.dumps(result), flush=True)
        if args.keep:
            keep_running(wavepost)
    good = audit["balanced"] and audit["mismatch_count"] == 0 and audit["open"] == 0
    say("\nEvery accepted recipient has exactly one outcome, and the receivers agree." if good
        else "\nThe law does NOT hold.")
    return 0 if good else 1


def keep_running(wavepost):
    say(f"""
Everything is still running. In another terminal:
  export WAVEPOST_SERVER=127.0.0.1:{wavepost.port['grpc']}
  {wavepost.bin}/wavepost report {CAMPAIGN}
  {wavepost.bin}/wavepost nodes
Ctrl-C ends it.""")
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("Stopping ...")


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=make_recipients.ROWS, metavar="N")
    parser.add_argument("--json", action="store_true", help="one object on stdout, the rest on stderr")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--bin", default=None, help="folder of the binaries (build/release/bin)")
    args = parser.parse_args()
    if args.recipients < 1:
        parser.error("--recipients must be at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the processes are ended
    try:
        return run(args)
    except (clusters.Failure, subprocess.TimeoutExpired) as error:
        say(f"demo: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ninterrupted; everything is stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
