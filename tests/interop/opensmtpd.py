"""OpenSMTPD, unpacked and run in a root folder of its own.

The one of Debian 12 (6.8.0) cannot do STARTTLS since OpenSSL 3: it offers it, and every handshake fails for want of its
own private key. So ./dev takes the one of bookworm-backports, where the machine's package sources have it.
"""

import collections
import re
import shutil

from little_root import LittleRoot, missing_libraries
from receiver import UNPACKED, Daemon, Receiver, maildir_messages, read_text

# Debian's OpenSMTPD asks for the first two by name.
USERS = {"opensmtpd": 60001, "opensmtpq": 60002, "vmail": 60004}
PROGRAM = "usr/sbin/smtpd"
STORE = "usr/libexec/opensmtpd/mail.maildir"

CONFIG = """{pki}
table users {{ {users} }}
table owner {{ "@" = vmail }}
queue compression
smtp max-message-size 50M
listen on {address} port {port} hostname {host} {tls}
action "store" maildir "/mail/%{{rcpt.user}}" virtual <owner>
match from any for rcpt-to <users> action "store"
"""


class OpenSmtpd(Receiver):
    """It has no SMTPUTF8, CHUNKING or PIPELINING, and cannot be told to leave 8BITMIME out."""

    NAME = "opensmtpd"
    OFFERS = frozenset({"STARTTLS", "8BITMIME", "DSN", "SIZE"})
    PACKAGE = UNPACKED / "opensmtpd"

    @classmethod
    def missing(cls):
        if not (cls.PACKAGE / PROGRAM).exists():
            return "opensmtpd is not unpacked"
        if libraries := missing_libraries(cls.PACKAGE / PROGRAM):
            return f"opensmtpd lacks {' '.join(libraries)}"
        return super().missing()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.root = LittleRoot(self.dir / "root", self.PACKAGE, [PROGRAM, STORE], USERS)
        self.root.folder("var/spool/smtpd", mode=0o711)
        self.root.folder("var/lib/opensmtpd/empty")
        self.root.folder("mail", owner=USERS["vmail"])
        # It will not start without a file of authorities, and needs none: it sends nothing.
        self.root.write("etc/ssl/certs/ca-certificates.crt", "")
        pki = tls = ""
        if self.chain:
            # One file serves as both: each side takes what it needs.
            shutil.copy(self.chain, self.root.dir / "etc" / "tls.pem")
            (self.root.dir / "etc" / "tls.pem").chmod(0o600)
            pki = f'pki {self.host} cert "/etc/tls.pem"\npki {self.host} key "/etc/tls.pem"'
            tls = f"tls pki {self.host}"
        self.root.write("etc/smtpd.conf", CONFIG.format(
            pki=pki, tls=tls, host=self.host, address=self.address, port=self.port,
            users=", ".join(f'"{user}@{self.domain}"' for user in self.users)))
        self.daemon = None

    def start(self):
        self.daemon = Daemon(self.root.command("/usr/sbin/smtpd", "-d"), self.dir / "output")
        self.wait_for_greeting()

    def stop(self):
        if self.daemon:
            self.daemon.stop()

    def log(self):
        return read_text(self.dir / "output")

    def accepted(self):
        return collections.Counter(re.findall(r" mda delivery .* rcpt=<([^>]+)> .*result=Ok", self.log()))

    def stored(self):
        return maildir_messages(self.root.dir / "mail", "Delivered-To")
