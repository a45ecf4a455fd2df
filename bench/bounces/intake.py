"""How many bounces a second a real wavepost-bouncer takes over SMTP and stores with sync, and its memory under floods.

  python3 bench/bounces/intake.py [--messages 40000] [--connections 50] [--floods] [--json] [--check]
                                  [--bin DIR]

Starts wavepost-bouncer on free ports with a folder of its own (no coordinator: what it takes stays in its outbox) and
drives it by bench-intake on the same machine, which takes CPU too: "client" tells how much. --floods: what happens to
its memory with 500 hostile connections of each kind. Peak RSS is the process' own (VmHWM), of a new process each time.
--check: a missed mark is exit code 1.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from cluster import Process, free_port  # noqa: E402

FLOODS = {  # mode: (what it is, connections)
    "big": ("each sends 10 MiB to postmaster", 500),
    "hold": ("each holds TLS open", 500),
    "slow": ("each sends commands and reads nothing", 500),
    "rcpt": ("each pipelines RCPT without end", 500),
    "bdat": ("each sends chunks without end", 500),
}
RSS_MARK_MB = 200
RATE_MARK = 2000  # bounces a second in clear text
CONFIG = """data_dir: {dir}/data
listen: ["127.0.0.1:{port}"]
return_path: {{domain: bounce.example, token_keys: {dir}/keys}}
smtp_tls: {{certificate: {dir}/mx.pem, key: {dir}/mx.pem}}
coordinator: 127.0.0.1:{nobody}
limits:
  connections: 500
  connections_per_client: 500
  client_messages_per_minute: 0
  network_messages_per_minute: 0
"""


class Bouncer:
    def __init__(self, bin_dir, folder):
        self.dir = folder
        folder.mkdir()
        self.port = free_port()
        (folder / "keys").write_text("1 " + "5a" * 32 + "\n")
        (folder / "conf").write_text(CONFIG.format(dir=folder, port=self.port, nobody=free_port()))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=mx",
                        "-keyout", folder / "key", "-out", folder / "crt"], check=True, capture_output=True)
        (folder / "mx.pem").write_text((folder / "key").read_text() + (folder / "crt").read_text())
        self.process = Process("bouncer", [str(bin_dir / "wavepost-bouncer"), "--config", str(folder / "conf")],
                               folder / "log")

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.popen.terminate()
        try:
            self.process.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.process.popen.kill()
            self.process.popen.wait()

    def drive(self, bin_dir, *args):
        command = [bin_dir / "bench-intake", "--port", self.port, "--keys", self.dir / "keys", *args]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=500)
        if done.returncode:
            sys.exit(f"bench-intake: {done.stderr}")
        return json.loads(done.stdout)

    def peak_rss_mb(self):
        status = pathlib.Path(f"/proc/{self.process.popen.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024

    def cpu_by_thread(self):
        """Seconds of CPU by thread, the busiest first; threads of one name together."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.process.popen.pid}/task").iterdir():
            fields = (task / "stat").read_text().rsplit(") ", 1)[1].split()
            name = f"{(task / 'comm').read_text().strip()}/{task.name}"
            found[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return dict(sorted(found.items(), key=lambda item: -item[1])[:6])


def throughput(args, folder, mode):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Bouncer(args.bin, folder / mode) as bouncer:
        found = bouncer.drive(args.bin, "--mode", mode, "--connections", args.connections, "--messages", args.messages)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = bouncer.cpu_by_thread()
        found |= {"peak_rss_mb": round(bouncer.peak_rss_mb(), 1), "cpu_by_thread_s": cpu,
                  "client_cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
                  "cpu_us_per_message": round(1e6 * sum(cpu.values()) / max(1, found["taken"]))}
    return found


def flood(args, folder, mode):
    with Bouncer(args.bin, folder / mode) as bouncer:
        idle = bouncer.peak_rss_mb()
        found = bouncer.drive(args.bin, "--mode", mode, "--connections", FLOODS[mode][1], "--seconds", args.seconds)
        # Who wants to bring one mail then must be able to.
        calm = bouncer.drive(args.bin, "--mode", "dsn", "--connections", 1, "--messages", 1, "--first", 1_000_000)
        return found | {"idle_rss_mb": round(idle, 1), "peak_rss_mb": round(bouncer.peak_rss_mb(), 1),
                        "takes_mail_afterwards": calm["taken"] == 1}


def missed(found):
    """Sentences about the marks that the figures miss. `found`: the figures by mode."""
    sentences = []
    if "dsn" in found and found["dsn"]["per_second"] < RATE_MARK:
        sentences.append(f"dsn: {found['dsn']['per_second']:.0f} messages/s; the mark is {RATE_MARK}")
    for mode, result in found.items():
        if result["peak_rss_mb"] >= RSS_MARK_MB:
            sentences.append(f"{mode}: peak RSS {result['peak_rss_mb']} MB; the mark is below {RSS_MARK_MB} MB")
        if not result.get("takes_mail_afterwards", True):
            sentences.append(f"{mode}: no mail was taken afterwards")
    return sentences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin")
    parser.add_argument("--messages", type=int, default=40000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10, help="how long a flood lasts")
    parser.add_argument("--floods", action="store_true")
    parser.add_argument("--flood", choices=sorted(FLOODS), help="only this one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="a missed mark is exit code 1")
    args = parser.parse_args()
    # Not below the system's own folder for such things, which may lie in memory: what is measured is synced to a disk.
    (ROOT / "build").mkdir(exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-intake-", dir=ROOT / "build"))
    found = {}
    try:
        if not args.flood:
            for mode in ("dsn", "tls"):
                found[mode] = result = throughput(args, folder, mode)
                if not args.json:
                    print(f"{mode}: {result['per_second']:.0f} messages/s, 250 after p50 {result['p50_ms']} ms, p99 "
                          f"{result['p99_ms']} ms, peak RSS {result['peak_rss_mb']} MB, "
                          f"{result['cpu_us_per_message']} us CPU each\n  CPU s: {result['cpu_by_thread_s']}, client "
                          f"{result['client_cpu_s']}", flush=True)
        for mode in [args.flood] if args.flood else FLOODS if args.floods else []:
            found[mode] = result = flood(args, folder, mode)
            if not args.json:
                verdict = "MISSED" if missed({mode: result}) else "ok"
                print(f"flood {mode} ({FLOODS[mode][0]}): peak RSS {result['peak_rss_mb']} MB (idle "
                      f"{result['idle_rss_mb']}), mail afterwards: {result['takes_mail_afterwards']}, "
                      f"replies {result['replies']}: {verdict}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(found))
    if not args.check:
        return 0
    for sentence in missed(found):
        print(f"MISSED: {sentence}", file=sys.stderr)
    return 1 if missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
