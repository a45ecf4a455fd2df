"""Throughput of the real three services, from import to the last recorded outcome.

  ./dev bench throughput --recipients N --domains D [--sink HOST:PORT] [--no-dkim] [--json]

Starts coordinator, senders and bouncer, imports N recipients in D domains (distinct 10 KB messages), then starts the
wave and measures until every recipient has its outcome. The receiver is the simulated internet, or a given sink
(Postfix's smtp-sink counts as the neutral one): then its DNS points every domain at that address. With --json one JSON
object:

  recipients, seconds, msgs_per_s   start of the wave to the last outcome in the coordinator's books
  cpu_s_per_1000                    CPU seconds per 1,000 recipients while sending: per service, total without the sink
  peak_rss_mb                       per service
  bytes_on_disk_per_recipient       coordinator + senders, after the run
  import_per_s                      rows stored and acknowledged per second
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "support"))
import cluster as clusters  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]


def write_input(folder, recipients, domains):
    with open(folder / "recipients.csv", "w") as out:
        out.write("email,first_name,last_name,company,language,survey_url\n")
        for i in range(recipients):
            out.write(f"user{i}@d{i % domains}.test,First{i},Last{i},Company {i % domains},en,"
                      f"https://survey.test/r/{i:08x}\n")
    filler = "<p>Hello {{first_name}}, your answers help {{company}} to become a better place to work.</p>\n"
    html = "<html><body><h1>Dear {{first_name}} {{last_name}}</h1>\n" + filler * 40
    html += "<p><a href=\"{{survey_url}}\">Start the survey</a></p></body></html>\n"
    (folder / "mail.html").write_text(html)
    text = "Dear {{first_name}} {{last_name}},\n\n"
    text += "Your answers help {{company}} to become a better place.\n" * 75
    (folder / "mail.txt").write_text(text + "\n{{survey_url}}\n")


def disk_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def scenario_for(domains, sink):
    names = ", ".join(f"d{i}.test" for i in range(domains))
    if not sink:
        return f"domains:\n  - {{names: [{names}], shared: true}}\n", None
    host, port = sink.rsplit(":", 1)
    records = "".join(f"  - d{i}.test MX 10 sink.test\n" for i in range(domains))
    return f"records:\n  - sink.test A {host}\n{records}", int(port)


def run(args, folder):
    write_input(folder, args.recipients, args.domains)
    scenario, sink_port = scenario_for(args.domains, args.sink)
    extra = f"io_threads: {args.io_threads}\n" + (f"cpu_threads: {args.cpu_threads}\n" if args.cpu_threads else "")
    # The machine is measured, not our restraint: all domains are one site, and that may have 166 messages a second from
    # one address by default.
    extra += "sites: {connections: 100, messages_per_connection: 1000, connections_per_minute: 0}\n"
    with clusters.Cluster(folder, bin_dir=args.bin, senders=args.senders, ips_per_sender=args.ips, scenario=scenario,
                          verify_dkim=False, verify_from=not args.no_dkim, starttls=False, discard_ledger=True,
                          sender_extra=extra,
                          sink_port=sink_port) as wavepost:
        wavepost.start()
        if not args.no_dkim:
            wavepost.add_sending_domain("survey.test")
        begun = time.monotonic()
        wavepost.cli("create", "--csv", folder / "recipients.csv", "--subject", "{{first_name}}, your opinion counts",
                     "--from", "Survey <survey@survey.test>", "--html", folder / "mail.html",
                     "--text", folder / "mail.txt", "--id", "bench", timeout_s=3600)
        import_s = time.monotonic() - begun
        cpu_before = {name: process.sample() for name, process in wavepost.processes.items()}
        begun = time.monotonic()
        wavepost.cli("start", "bench")
        watch = subprocess.Popen(wavepost.cli_command("--json", "watch", "bench", "--interval", "200ms"),
                                 stdout=subprocess.PIPE, text=True)
        counts = {}
        for line in watch.stdout:
            counts = json.loads(line)
            if not args.json:
                done = counts.get("delivered", 0)
                print(f"\r{done} of {args.recipients} delivered, {time.monotonic() - begun:.1f} s", end="",
                      file=sys.stderr)
        watch.wait()
        seconds = time.monotonic() - begun
        if not args.json:
            print(file=sys.stderr)
        cpu = {name: process.sample() - cpu_before[name] for name, process in wavepost.processes.items()}
        audit = wavepost.cli_json("audit", "bench", "--summary")
        rss = {name: round(process.peak_rss_kb / 1024, 1) for name, process in wavepost.processes.items()}
        disk = sum(disk_bytes(folder / name) for name in ["coordinator", *wavepost.senders()])
    per_1000 = {name: round(value * 1000 / args.recipients, 4) for name, value in cpu.items()}
    per_1000["total"] = round(sum(value for name, value in per_1000.items() if name != "testnet"), 4)
    return {"recipients": args.recipients, "domains": args.domains, "sink": args.sink or "testnet",
            "dkim": not args.no_dkim, "delivered": audit["delivered"], "balanced": audit["balanced"],
            "seconds": round(seconds, 3), "msgs_per_s": round(args.recipients / seconds, 1),
            "cpu_s_per_1000": per_1000, "peak_rss_mb": rss,
            "bytes_on_disk_per_recipient": round(disk / args.recipients, 1),
            "import_per_s": round(args.recipients / import_s, 1)}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench throughput", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=20000)
    parser.add_argument("--domains", type=int, default=50)
    parser.add_argument("--sink", help="HOST:PORT of a receiver on loopback, e.g. smtp-sink; "
                                       "default: the simulated internet")
    parser.add_argument("--no-dkim", action="store_true", help="leave messages unsigned")
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--ips", type=int, default=1, help="egress IPs per sender")
    parser.add_argument("--io-threads", type=int, default=1)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0: the sender's default")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-bench-"))
    try:
        result = run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:28} {value}")
    return 0 if result["delivered"] == args.recipients and result["balanced"] else 1


if __name__ == "__main__":
    sys.exit(main())
