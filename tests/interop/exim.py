"""Exim (Debian's exim4-daemon-light), unpacked and run in a root folder of its own."""

import collections
import os
import re
import shutil

from little_root import LittleRoot, missing_libraries
from receiver import UNPACKED, Daemon, Receiver, maildir_messages, read_text

# Debian's Exim asks for this user by name.
USERS = {"Debian-exim": 60003, "vmail": 60004}
PROGRAM = "usr/sbin/exim4"

CONFIG = """daemon_smtp_ports = smtp
primary_hostname = {host}
local_interfaces = <; {address}.{port}
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 100
smtp_accept_max_per_host = 0
smtp_accept_queue_per_connection = 0
pipelining_advertise_hosts = {pipelining}
smtputf8_advertise_hosts = {smtputf8}
chunking_advertise_hosts = {chunking}
dsn_advertise_hosts = *
accept_8bitmime = {eight_bit}
keep_environment =
log_selector = +8bitmime +received_recipients +smtp_protocol_error +smtp_syntax_error
{tls}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny message = relay not permitted
       ! domains = {domain}
  deny message = 5.1.1 Unknown user
       condition = ${{if !eq{{${{lookup{{$local_part}}lsearch{{/etc/users}}{{yes}}{{no}}}}}}{{yes}}}}
  accept
begin routers
store:
  driver = accept
  transport = store
begin transports
store:
  driver = appendfile
  directory = /mail
  maildir_format
  user = vmail
  group = vmail
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
"""


class Exim(Receiver):
    NAME = "exim"
    OFFERS = frozenset({"STARTTLS", "8BITMIME", "SMTPUTF8", "CHUNKING", "PIPELINING", "DSN", "SIZE"})
    HIDEABLE = frozenset({"8BITMIME", "SMTPUTF8", "CHUNKING", "PIPELINING"})
    PACKAGE = UNPACKED / "exim4-daemon-light"

    @classmethod
    def missing(cls):
        if not (cls.PACKAGE / PROGRAM).exists():
            return "exim4-daemon-light is not unpacked"
        if libraries := missing_libraries(cls.PACKAGE / PROGRAM):
            return f"exim4-daemon-light lacks {' '.join(libraries)}"
        return super().missing()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.root = LittleRoot(self.dir / "root", self.PACKAGE, [PROGRAM], USERS)
        for name in ("var/spool/exim4", "var/log/exim4"):
            self.root.folder(name, owner=USERS["Debian-exim"])
        self.root.folder("mail", owner=USERS["vmail"])
        tls = "tls_advertise_hosts ="
        if self.chain:
            chain = shutil.copy(self.chain, self.root.dir / "etc" / "tls.pem")
            os.chown(chain, USERS["Debian-exim"], 0)
            tls = "tls_advertise_hosts = *\ntls_certificate = /etc/tls.pem\ntls_privatekey = /etc/tls.pem"
        self.root.write("etc/users", "".join(f"{user}: x\n" for user in self.users))
        self.root.write("etc/exim4/exim4.conf", CONFIG.format(
            host=self.host, address=self.address, port=self.port, domain=self.domain, tls=tls,
            pipelining=self._unless_hidden("PIPELINING"), smtputf8=self._unless_hidden("SMTPUTF8"),
            chunking=self._unless_hidden("CHUNKING"), eight_bit=str("8BITMIME" not in self.hidden).lower()))
        self.daemon = None

    def _unless_hidden(self, keyword):
        return "" if keyword in self.hidden else "*"

    def start(self):
        self.daemon = Daemon(self.root.command("/usr/sbin/exim4", "-bdf", "-q1m"), self.dir / "output")
        self.wait_for_greeting()

    def stop(self):
        if self.daemon:
            self.daemon.stop()

    def log(self):
        return read_text(self.root.dir / "var/log/exim4/mainlog") + read_text(self.dir / "output")

    def accepted(self):
        return collections.Counter(re.findall(r" => \S+ <([^>]+)> R=store T=store",
                                              read_text(self.root.dir / "var/log/exim4/mainlog")))

    def bdat_used(self):
        return re.search(r" <= .* K\b", self.log()) is not None

    def stored(self):
        return maildir_messages(self.root.dir / "mail", "Envelope-to")
