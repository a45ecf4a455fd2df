"""Real mail servers deliver the bounces that they make themselves to wavepost-bouncer.

  python3 bounces_in.py [--bin DIR] [--case NAME]

Each server gets mail from our return paths to users who do not exist and to full mailboxes, and bounces it. What
the bouncer counts must be what was sent, by class, and the server's log must say 250, over TLS or not as meant.
"""

import base64
import hashlib
import hmac
import re
import shutil
import smtplib
import subprocess
import urllib.request
from pathlib import Path

from certificates import Authority
from exim import PROGRAM, USERS, Exim
from laboratory import address, available, run_cases
from little_root import LittleRoot
from postfix import Postfix
from receiver import ROOT, Daemon, Failure, end_group, read_text, wait_until
from cluster import Process, free_port

MESSAGES = 40  # every second one to a full mailbox
KEY = bytes.fromhex("7b" * 32)
DOMAIN = "bounce.test"
GONE, FULL = "5.1.1 user unknown", "5.2.2 mailbox full"

CONFIG = """data_dir: {dir}/data
listen: ["127.0.0.1:{port}"]
lmtp_listen: ["127.0.0.1:{lmtp}"]
return_path: {{domain: {domain}, token_keys: {dir}/keys}}
{tls}
coordinator: 127.0.0.1:{nobody}
metrics_listen: 127.0.0.1:0
"""

POSTFIX_MASTER = """{address}:{port} inet n - n - 20 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
myhostname = mx.other.test
mydestination =
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
disable_dns_lookups = yes
transport_maps = texthash:{dir}/transport
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
"""

EXIM_CONFIG = """daemon_smtp_ports = smtp
primary_hostname = mx.other.test
local_interfaces = <; {address}.{port}
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
keep_environment =
log_selector = +smtp_confirmation
acl_smtp_rcpt = anything
begin acl
anything:
  accept
begin routers
home:
  driver = manualroute
  domains = {domain}
  route_list = * 127.0.0.1 byname
  self = send
  transport = out
gone:
  driver = redirect
  domains = gone.test
  allow_fail
  data = :fail: {gone}
full:
  driver = redirect
  domains = full.test
  allow_fail
  data = :fail: {full}
begin transports
out:
  driver = smtp
  port = {home}
  allow_localhost
  {tls} = *
begin retry
* * F,1h,1m
"""


def return_path(n):
    """As common/mail/verp.h describes it."""
    head = bytes([1]) + (1).to_bytes(4, "big") + n.to_bytes(4, "big")
    mac = hmac.new(KEY, b"wavepost token 1\n" + head, hashlib.sha256).digest()[:10]
    return f"b+{base64.b32encode(head + mac).decode().rstrip('=').lower()}@{DOMAIN}"


class Bouncer:
    def __init__(self, args, folder, tls):
        bin_dir = Path(args.bin) if args.bin else ROOT / "build" / "release" / "bin"
        self.dir, self.port, self.lmtp = folder, free_port(), free_port()
        folder.mkdir(parents=True)
        (folder / "keys").write_text(f"1 {KEY.hex()}\n")
        chain = Authority(folder / "authority").issue(f"mx.{DOMAIN}") if tls else None
        (folder / "conf").write_text(CONFIG.format(
            dir=folder, port=self.port, lmtp=self.lmtp, nobody=free_port(), domain=DOMAIN,
            tls=f"smtp_tls: {{certificate: {chain}, key: {chain}}}" if tls else ""))
        self.process = Process("bouncer", [str(bin_dir / "wavepost-bouncer"), "--config", str(folder / "conf")],
                               folder / "log")

    def __enter__(self):
        self.process.start()
        self.metrics = int(re.search(r"metrics=(\d+)", self.process.ready_line).group(1))
        return self

    def __exit__(self, *_):
        self.process.popen.terminate()
        try:
            self.process.popen.wait(40)
        except subprocess.TimeoutExpired:
            self.process.popen.kill()
            self.process.popen.wait()

    def classes(self):
        """Reports that were stored, by class."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10).read().decode()
        found = re.findall(r'wavepost_bouncer_reports_total\{class="(\w+)"\} (\d+)', text)
        return {name: int(count) for name, count in found if int(count)}


class PostfixSender:
    """A Postfix that relays everything from loopback and bounces what it cannot deliver."""

    def __init__(self, folder, route, tls):
        available([Postfix])
        self.dir, self.address, self.master = folder, address(7), None
        self.port = free_port(self.address)
        for sub in ("queue", "data", "etc"):
            (folder / sub).mkdir(parents=True)
        for above in (folder, folder.parent):
            above.chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        (folder / "transport").write_text(f"gone.test error:{GONE}\nfull.test error:{FULL}\n{DOMAIN} {route}\n")
        (folder / "etc" / "main.cf").write_text(POSTFIX_MAIN.format(dir=folder, tls="encrypt" if tls else "none"))
        (folder / "etc" / "master.cf").write_text(POSTFIX_MASTER.format(address=self.address, port=self.port))

    def _postfix(self, verb):
        command = ["postfix", "-c", str(self.dir / "etc"), verb]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def __enter__(self):
        done = self._postfix("start")
        if done.returncode:
            raise Failure(f"postfix start: {done.stderr}{done.stdout}{self.log()[-2000:]}")
        self.master = int((self.dir / "queue" / "pid" / "master.pid").read_text())
        return self

    def __exit__(self, *_):
        self._postfix("stop")
        end_group(self.master)

    def log(self):
        return read_text(self.dir / "maillog")

    def delivered(self):
        return len(re.findall(r"postfix/[sl]mtp\[\d+\]: \w+: to=<b\+.*status=sent \(250 2\.0\.0 OK", self.log()))

    def secured(self):
        return "TLS connection established to" in self.log()


class EximSender:
    def __init__(self, folder, home, tls):
        available([Exim])
        self.dir, self.address, self.daemon = folder, address(8), None
        self.port = free_port(self.address)
        folder.mkdir(parents=True)
        for above in (folder, folder.parent):
            above.chmod(0o755)
        self.root = LittleRoot(folder / "root", Exim.PACKAGE, [PROGRAM], USERS)
        for name in ("var/spool/exim4", "var/log/exim4"):
            self.root.folder(name, owner=USERS["Debian-exim"])
        self.root.write("etc/exim4/exim4.conf", EXIM_CONFIG.format(
            address=self.address, port=self.port, domain=DOMAIN, gone=GONE, full=FULL, home=home,
            tls="hosts_require_tls" if tls else "hosts_avoid_tls"))

    def __enter__(self):
        self.daemon = Daemon(self.root.command("/usr/sbin/exim4", "-bdf", "-q1m"), self.dir / "output")
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def log(self):
        return read_text(self.root.dir / "var/log/exim4/mainlog") + read_text(self.dir / "output")

    def delivered(self):
        return len(re.findall(r" => b\+.* T=out .*C=\"250", self.log()))

    def secured(self):
        return re.search(r" => b\+.* T=out .* X=TLS1\.[23]", self.log()) is not None


def bounce_all(sender, bouncer, tls):
    """Mail that comes back as meant."""
    def greets():
        sender_log = sender.log()
        try:
            with smtplib.SMTP(sender.address, sender.port, timeout=5):
                return True
        except OSError:
            return "panic" in sender_log
    wait_until(greets, 20, lambda: f"the server to greet; its log: {sender.log()[-2000:]}")
    with smtplib.SMTP(sender.address, sender.port, timeout=30) as connection:
        for n in range(MESSAGES):
            connection.sendmail(return_path(n), [f"user{n}@{'full' if n % 2 else 'gone'}.test"],
                                f"From: us@survey.test\r\nTo: you\r\nSubject: letter {n}\r\n\r\nDear you\r\n")
    meant = {"hard": MESSAGES // 2, "soft": MESSAGES // 2}
    wait_until(lambda: sum(bouncer.classes().values()) >= MESSAGES, 90,
               lambda: f"{MESSAGES} bounces; there are {bouncer.classes()}; its log: {sender.log()[-3000:]}")
    wait_until(lambda: sender.delivered() >= MESSAGES, 20, lambda: f"its log to say so: {sender.log()[-3000:]}")
    if bouncer.classes() != meant:
        raise Failure(f"classes are {bouncer.classes()}, meant {meant}")
    if sender.secured() != tls:
        raise Failure(f"TLS was used: {sender.secured()}, meant {tls}; its log: {sender.log()[-3000:]}")
    return f"{MESSAGES} bounces, {'over TLS' if tls else 'in clear text'}: {meant}"


def postfix(args, folder, tls):
    with Bouncer(args, folder / "bouncer", tls) as bouncer:
        with PostfixSender(folder / "postfix", f"smtp:[127.0.0.1]:{bouncer.port}", tls) as sender:
            return bounce_all(sender, bouncer, tls)


def postfix_lmtp(args, folder):
    with Bouncer(args, folder / "bouncer", False) as bouncer:
        with PostfixSender(folder / "postfix", f"lmtp:inet:127.0.0.1:{bouncer.lmtp}", False) as sender:
            return bounce_all(sender, bouncer, False) + ", by LMTP"


def exim(args, folder, tls):
    with Bouncer(args, folder / "bouncer", tls) as bouncer:
        with EximSender(folder / "exim", bouncer.port, tls) as sender:
            return bounce_all(sender, bouncer, tls)


if __name__ == "__main__":
    run_cases(__doc__, {
        "postfix_tls": lambda args, folder: postfix(args, folder, True),
        "postfix_plain": lambda args, folder: postfix(args, folder, False),
        "postfix_lmtp": postfix_lmtp,
        "exim_tls": lambda args, folder: exim(args, folder, True),
        "exim_plain": lambda args, folder: exim(args, folder, False),
    })
