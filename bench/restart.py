"""A restart with a long queue: how soon the first message leaves, and how much memory it takes.

  ./dev bench restart [--queued N] [--waves W] [--tail-domains D] [--ips I] [--send S] [--queue DIR] [--json]

Fills a sender's queue (bench-fill-queue: 40 % of the recipients in a dozen big domains, the others in D small ones),
starts wavepost-sender on it without a coordinator, as it would go on with a lease that still runs, and measures from
exec to the first message that the simulated internet has accepted. Then it goes on sending for S seconds. The peak RSS
is the kernel's (VmHWM) over all of it. Marks: first message within 5 s, peak RSS below 512 MB; the exit code says if
both were met. With --queue the filled folder is kept there, and used again if it exists: sending takes a little out of
it.
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

FIRST_MESSAGE_MAX_S = 5.0
PEAK_RSS_MAX_MB = 512

# Big domains share nothing; the long tail has hosts of its own each, as far as there are addresses.
SCENARIO = """domains:
  - {names: [big0.test, big1.test, big2.test, big3.test, big4.test, big5.test, big6.test, big7.test, big8.test,
             big9.test, big10.test, big11.test]}
  - {name: "*.tail.test"}
"""


def fill(args, folder, egress):
    command = [pathlib.Path(args.bin) / "bench-fill-queue", "--data-dir", folder / "sender-0", "--recipients",
               args.queued, "--waves", args.waves, "--tail-domains", args.tail_domains]
    for address in egress:
        command += ["--egress", address]
    begun = time.monotonic()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def accepted(ledger):
    with open(ledger) as lines:
        return sum("\"accepted\"" in line for line in lines)


def measure(sender, ledger, send_s, timeout_s=300):
    """Seconds from exec until the ledger has an accepted message, RSS then, RSS at the end, messages accepted."""
    log = open(sender.log_path, "ab")
    begun = time.monotonic()
    sender.popen = subprocess.Popen(sender.command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
    log.close()
    seen = 0
    while True:
        text = ledger.read_bytes()[seen:] if ledger.exists() else b""
        if b"\"accepted\"" in text:
            first_s = time.monotonic() - begun
            break
        if time.monotonic() - begun > timeout_s or not sender.running():
            raise clusters.Failure(f"no message within {timeout_s} s; the sender's log:\n{sender.tail()}")
        sender.sample()
        time.sleep(0.005)
    sender.sample()
    rss_first = sender.peak_rss_kb / 1024
    end = begun + first_s + send_s
    while time.monotonic() < end and sender.running():
        sender.sample()
        time.sleep(0.1)
    count = accepted(ledger)
    cpu_s = sender.sample()
    return first_s, rss_first, sender.peak_rss_kb / 1024, count, cpu_s


def drop_caches():
    """The files are not in memory after a real restart of a machine. Needs root; False: they may be."""
    subprocess.run(["sync"], check=True)
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    except OSError:
        return False


def run(args, folder):
    with clusters.Cluster(folder, bin_dir=args.bin, senders=1, ips_per_sender=args.ips, scenario=SCENARIO,
                          verify_from=False, verify_dkim=False, starttls=False,
                          sender_extra="queue_max: 1000000000\n") as wavepost:
        data = folder / "sender-0"
        kept = pathlib.Path(args.queue).resolve() if args.queue else None
        egress = [f"127.99.99.{1 + i}" for i in range(args.ips)]  # a kept queue needs the same ones each time
        sender = folder / "sender-0.yaml"
        text = sender.read_text()
        for old, new in zip(wavepost.egress[0], egress):
            text = text.replace(f"address: {old},", f"address: {new},")
        if kept:
            text = text.replace(f"data_dir: {data}", f"data_dir: {kept / 'sender-0'}")
        sender.write_text(text)
        fill_s = 0.0
        if not kept or not (kept / "sender-0").exists():
            fill_s = fill(args, kept or folder, egress)
        stored = kept / "sender-0" if kept else data
        disk_mb = sum(path.stat().st_size for path in stored.rglob("*") if path.is_file()) / 1e6
        wavepost.start("testnet")
        cold = drop_caches()
        first_s, rss_first, rss_mb, count, cpu_s = measure(wavepost.processes["sender-0"], wavepost.ledger_path,
                                                           args.send)
    return {"queued": args.queued, "waves": args.waves, "tail_domains": args.tail_domains, "egress_ips": args.ips,
            "cold_disk_cache": cold, "fill_s": round(fill_s, 1), "disk_mb": round(disk_mb),
            "first_message_s": round(first_s, 3), "peak_rss_mb_at_first_message": round(rss_first, 1),
            "peak_rss_mb": round(rss_mb, 1), "sent": count, "sent_within_s": args.send, "cpu_s": round(cpu_s, 2),
            "good": first_s <= FIRST_MESSAGE_MAX_S and rss_mb <= PEAK_RSS_MAX_MB}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench restart", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queued", type=int, default=10_000_000)
    parser.add_argument("--waves", type=int, default=3)
    parser.add_argument("--tail-domains", type=int, default=300_000)
    parser.add_argument("--ips", type=int, default=4, help="egress IPs of the sender")
    parser.add_argument("--send", type=float, default=20, help="seconds of sending after the first message")
    parser.add_argument("--queue", help="folder for the filled queue; kept")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bin", default=clusters.ROOT / "build" / "release" / "bin", help="folder of the binaries")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-restart-"))
    try:
        result = run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:30} {value}")
        print(f"marks: first message within {FIRST_MESSAGE_MAX_S:g} s, peak RSS below {PEAK_RSS_MAX_MB} MB")
    return 0 if result["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
