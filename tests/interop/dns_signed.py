"""Zones of our own, signed or not: nsd serves them, unbound resolves and validates. Nothing leaves loopback.

unbound sets the AD bit for what validates against the trust anchors, which are the signed zones' own keys. A zone
without one is insecure: answered, and AD stays off.
"""

import os
import shutil
import socket
import struct
import subprocess

from receiver import Daemon, free_port, wait_until

ADDRESS = "127.0.0.1"

NSD = """server:
  ip-address: {address}
  port: {port}
  username: "root"
  chroot: ""
  pidfile: ""
  database: ""
  zonesdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  server-count: 1
remote-control:
  control-enable: no
"""

UNBOUND = """server:
  interface: {address}
  port: {port}
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-ip6: no
  num-threads: 1
  do-not-query-localhost: no
  module-config: "validator iterator"
  local-zone: "test." nodefault
  trust-anchor-file: "{dir}/anchors"
remote-control:
  control-enable: no
"""

TYPES = {"MX": 15, "A": 1, "TXT": 16, "TLSA": 52}


class SignedDns:
    """Zones are added before start(); the resolver then is at `server`."""

    @staticmethod
    def missing():
        wanted = ("nsd", "unbound", "ldns-keygen", "ldns-signzone")
        lacking = [program for program in wanted if shutil.which(program) is None]
        if lacking:
            return f"not installed: {', '.join(lacking)}"
        return "nsd needs root" if os.geteuid() != 0 else ""

    def __init__(self, folder):
        self.dir = folder
        folder.mkdir(parents=True)
        self.nsd_port, self.port = free_port(), free_port()
        self.server = f"{ADDRESS}:{self.port}"
        self.zones, self.anchors, self.daemons = {}, [], []

    def add_zone(self, name, records, signed=True):
        """records: lines relative to the zone, e.g. "@ MX 10 mx"."""
        text = [f"$ORIGIN {name}.", "$TTL 60", "@ SOA ns host 1 3600 600 86400 60", "@ NS ns", f"ns A {ADDRESS}",
                *records]
        (self.dir / name).write_text("\n".join(text) + "\n")
        self.zones[name] = name
        if not signed:
            return
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name], cwd=self.dir, check=True,
                             capture_output=True, text=True).stdout.strip()
        subprocess.run(["ldns-signzone", "-n", name, key], cwd=self.dir, check=True, capture_output=True)
        self.anchors.append((self.dir / f"{key}.ds").read_text())
        self.zones[name] = f"{name}.signed"

    def start(self):
        (self.dir / "anchors").write_text("".join(self.anchors))
        nsd = NSD.format(address=ADDRESS, port=self.nsd_port, dir=self.dir)
        unbound = UNBOUND.format(address=ADDRESS, port=self.port, dir=self.dir)
        for name, file in self.zones.items():
            nsd += f"zone:\n  name: {name}\n  zonefile: {file}\n"
            unbound += f"stub-zone:\n  name: {name}\n  stub-addr: {ADDRESS}@{self.nsd_port}\n"
        (self.dir / "nsd.conf").write_text(nsd)
        (self.dir / "unbound.conf").write_text(unbound)
        for program in ("nsd", "unbound"):
            command = [program, "-d", "-c", self.dir / f"{program}.conf"]
            self.daemons.append(Daemon(command, self.dir / f"{program}.log"))

        def answers():
            for daemon in self.daemons:
                daemon.check()
            return all(self.ask(name, "MX")[0] == 0 for name in self.zones)
        wait_until(answers, 20, "nsd and unbound to answer for every zone", interval_s=0.2)

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()

    def ask(self, name, kind):
        """(rcode, AD, answers) of the resolver; rcode -1: no answer."""
        query = struct.pack(">6H", 1, 0x0120, 1, 0, 0, 0)
        query += b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        query += b"\0" + struct.pack(">2H", TYPES[kind], 1)
        with socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.settimeout(2)
            try:
                udp.sendto(query, (ADDRESS, self.port))
                head = struct.unpack(">6H", udp.recv(4096)[:12])
            except OSError:
                return -1, False, 0
        return head[1] & 15, bool(head[1] & 0x20), head[3]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
