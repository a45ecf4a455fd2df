"""A whole Wavepost on loopback: real processes, free ports, a folder of its own. Shared by demo, tests and benches.

Nothing here decides what is right: it starts, kills, restarts and asks. Every process that it started is ended by pid
in stop(), whatever happened. Two clusters can run at the same time: ports are free ones, and the egress addresses and
the simulated internet's come from a block of 127.0.0.0/8 that is chosen by the process id.
"""

import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port(address="127.0.0.1"):
    """A port that nobody listens on now at that address, TCP and UDP."""
    for _ in range(100):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port on {address}")


class Failure(Exception):
    """Something did not start or answer; the message says what, and where its log is."""


class Process:
    """One service: its command, its log, and how to see that it serves."""

    def __init__(self, name, command, log_path, env=None):
        self.name, self.command, self.log_path = name, command, log_path
        self.env = env  # added to ours
        self.popen = None
        self.ready_line = ""
        self.peak_rss_kb = 0
        self.cpu_s = 0.0  # of processes that have ended

    def start(self, timeout_s=30):
        log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                                      env={**os.environ, **self.env} if self.env else None)
        log.close()
        os.set_blocking(self.popen.stdout.fileno(), False)
        deadline = time.monotonic() + timeout_s
        seen = b""
        while time.monotonic() < deadline:
            seen += self.popen.stdout.read() or b""
            for line in seen.decode(errors="replace").splitlines():
                if line.startswith("ready"):
                    self.ready_line = line
                    return self
            if self.popen.poll() is not None:
                break
            time.sleep(0.01)
        raise Failure(f"{self.name} did not come up (exit {self.popen.poll()}); last of its log {self.log_path}:\n"
                      + self.tail())

    def tail(self, lines=15):
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def sample(self):
        """Updates peak_rss_kb; returns the CPU seconds that the running process has used."""
        try:
            with open(f"/proc/{self.popen.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM"):
                        self.peak_rss_kb = max(self.peak_rss_kb, int(line.split()[1]))
            with open(f"/proc/{self.popen.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError, IndexError):
            return 0.0

    def kill(self):
        """kill -9, and wait until it is gone."""
        if self.running():
            self.cpu_s += self.sample()
            self.popen.kill()
        self._reap()

    def stop(self, timeout_s=60):
        if self.running():
            self.cpu_s += self.sample()
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not stop within {timeout_s} s; killed", file=sys.stderr)
                self.popen.kill()
        self._reap()

    def _reap(self):
        if self.popen is not None:
            self.popen.wait()
            self.popen.stdout.close()
            self.popen = None


class Cluster:
    """Coordinator, senders, bouncer and (unless sink is given) the simulated internet.

    scenario:    the testnet's behaviour as YAML text: profiles and sites, without ports and paths.
    smtp_port:   the testnet's receivers' port, if it matters which; a free one otherwise.
    sink_port:   senders deliver to this port: real receivers listen there, and not the testnet's.
    dns_server:  "IP:PORT" that the senders ask instead of the testnet.
    smtp_extra:  more keys of the senders' smtp map, as "key: value, key: value".
    sender_env:  more environment variables of the senders.
    verify_from: waves start only with From domains that are verified (add_sending_domain sees to it); False: any.
    coordinator_extra: more keys of the coordinator's configuration.
    bouncer_extra: more keys of the bouncer's configuration; its unsubscribe page is at port["page"].
    dsn_after:   how long after the 250 a late DSN is sent, before clock_scale.
    """

    def __init__(self, work_dir, bin_dir=None, senders=3, ips_per_sender=1, scenario="", clock_scale=1.0,
                 verify_dkim=True, starttls=True, smtp_port=None, sender_extra="", discard_ledger=False,
                 dsn_after="10s", log_level="warning", sink_port=None, dns_server=None, smtp_extra="", sender_env=None,
                 verify_from=True, coordinator_extra="", bouncer_extra=""):
        self.bin = pathlib.Path(bin_dir or ROOT / "build" / "release" / "bin")
        self.dir = pathlib.Path(work_dir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.clock_scale = clock_scale
        block = os.getpid() % 100 + 1
        self.egress = [[f"127.{block}.{100 + n}.{1 + i}" for i in range(ips_per_sender)] for n in range(senders)]
        self.mx_base = f"127.{block + 100}.0.1"
        self.port = {name: free_port() for name in ("grpc", "dns", "smtp", "bounce", "page")}
        if smtp_port:
            self.port["smtp"] = smtp_port
        self.records_path = self.dir / "records.txt"
        self.records_path.touch()
        self.ledger_path = self.dir / "ledger.jsonl"
        self.scenario = scenario
        self.verify_dkim, self.discard_ledger, self.dsn_after = verify_dkim, discard_ledger, dsn_after
        self.starttls, self.sender_extra, self.log_level = starttls, sender_extra, log_level
        self.sink_port = sink_port or self.port["smtp"]
        self.dns_server = dns_server or f"127.0.0.1:{self.port['dns']}"
        self.smtp_extra = ", " + smtp_extra if smtp_extra else ""
        self.sender_env = sender_env
        self.verify_from, self.coordinator_extra, self.bouncer_extra = verify_from, coordinator_extra, bouncer_extra
        self.processes = {}
        self._write_configs()

    # --- files ------------------------------------------------------------------------------------------------------
    def _write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def _define(self, name, program, config, env=None):
        command = [str(self.bin / program), "--config", str(config)]
        self.processes[name] = Process(name, command, self.dir / f"{name}.log", env)

    def _write_configs(self):
        keys = self._write("token_keys", f"1 {secrets.token_hex(32)}\n")
        return_path = f"return_path: {{domain: bounce.wavepost.test, token_keys: {keys}}}\n"
        self._define("coordinator", "wavepost-coordinator", self._write(
            "coordinator.yaml",
            f"listen: 127.0.0.1:{self.port['grpc']}\ndata_dir: {self.dir}/coordinator\n{return_path}"
            f"dns: {{servers: [\"127.0.0.1:{self.port['dns']}\"]}}\n"
            f"from_domains: {{unverified: {'refuse' if self.verify_from else 'allow'}}}\n{self.coordinator_extra}"))
        self._define("bouncer", "wavepost-bouncer", self._write(
            "bouncer.yaml",
            f"data_dir: {self.dir}/bouncer\nlisten: [\"127.0.0.1:{self.port['bounce']}\"]\n"
            f"unsubscribe: {{listen: \"127.0.0.1:{self.port['page']}\"}}\n"
            f"coordinator: 127.0.0.1:{self.port['grpc']}\n{return_path}{self.bouncer_extra}"))
        self._define("testnet", "wavepost-testnet", self._write(
            "testnet.yaml",
            f"dns: {{listen: \"127.0.0.1:{self.port['dns']}\"}}\nsmtp_port: {self.port['smtp']}\n"
            f"address_range: {{first: {self.mx_base}, count: 2000}}\n"
            f"ledger: {self.ledger_path}\ndiscard_ledger: {str(self.discard_ledger).lower()}\n"
            f"verify_dkim: {str(self.verify_dkim).lower()}\nclock_scale: {self.clock_scale}\n"
            f"dsn: {{host: 127.0.0.1, port: {self.port['bounce']}, after: {self.dsn_after}}}\n"
            f"record_files: [{self.records_path}]\n{self.scenario}"))
        for n, ips in enumerate(self.egress):
            egress = "".join(f"  - {{address: {ip}, ehlo_name: out{n}-{i}.wavepost.test}}\n"
                             for i, ip in enumerate(ips))
            self._define(f"sender-{n}", "wavepost-sender", self._write(
                f"sender-{n}.yaml",
                f"node_id: sender-{n}\ndata_dir: {self.dir}/sender-{n}\ncoordinator: 127.0.0.1:{self.port['grpc']}\n"
                f"egress_ips:\n{egress}"
                f"dns: {{servers: [\"{self.dns_server}\"], ipv6: false}}\n"
                f"smtp: {{port: {self.sink_port}, allow_private_mx: true, starttls: {str(self.starttls).lower()}"
                f"{self.smtp_extra}}}\n"
                f"clock_scale: {self.clock_scale}\nlog_level: {self.log_level}\n{self.sender_extra}"),
                self.sender_env)

    # --- processes --------------------------------------------------------------------------------------------------
    def senders(self):
        return [name for name in self.processes if name.startswith("sender-")]

    def start(self, *names):
        for name in names or self.processes:
            self.processes[name].start()
        return self

    def kill(self, name):
        self.processes[name].kill()

    def stop(self):
        for name in [*self.senders(), "bouncer", "coordinator", "testnet"]:
            self.processes[name].stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in [*self.senders(), "bouncer", "coordinator", "testnet"]:
            self.processes[name].stop(timeout_s=20)

    # --- the API, by the command line -------------------------------------------------------------------------------
    def cli_command(self, *args):
        return [str(self.bin / "wavepost"), "--server", f"127.0.0.1:{self.port['grpc']}", *map(str, args)]

    def cli(self, *args, check=True, timeout_s=300):
        """Runs wavepost; returns its output. check: a failure raises, with what it said."""
        done = subprocess.run(self.cli_command(*args), capture_output=True, text=True, timeout=timeout_s)
        if check and done.returncode != 0:
            raise Failure(f"wavepost {' '.join(map(str, args))}: exit {done.returncode}\n"
                          f"{done.stderr}{done.stdout[-2000:]}")
        return done.stdout

    def cli_json(self, *args, **kwargs):
        return json.loads(self.cli("--json", *args, **kwargs))

    def publish(self, records):
        """Puts records ({owner, type, data}) into the simulated internet's DNS, as their owner would."""
        with open(self.records_path, "a") as lines:
            for record in records:
                data = f"\"{record['data']}\"" if record["type"] == "TXT" else record["data"]
                lines.write(f"{record['owner']} {record['type']} {data}\n")
        if self.processes["testnet"].running():
            self.processes["testnet"].popen.send_signal(signal.SIGHUP)

    def add_sending_domain(self, domain, mode="txt"):
        """Registers the From domain, publishes its records and has it verified: what a customer does."""
        added = self.cli_json("domains", "add", domain, "--mode", mode)
        self.publish(added["dns_records"])
        if self.verify_from:
            wait_until(lambda: self.cli_json("domains", "verify", domain, check=False)["state"] == "verified", 30,
                       lambda: f"{domain} to be verified: {self.cli('domains', 'verify', domain, check=False)}", 0.3)
        return added

    def ledger(self):
        """The testnet's lines, as they are now."""
        if not self.ledger_path.exists():
            return []
        with open(self.ledger_path) as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]


def wait_until(condition, timeout_s, what, interval_s=0.05):
    """Waits for condition() to be true; raises with `what` (a text, or a function that gives it) when time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(interval_s)
    raise Failure(f"waited {timeout_s} s for {what() if callable(what) else what}")
