"""Postfix, as installed, with a configuration, queue and log of its own."""

import collections
import os
import re
import shutil
import subprocess

from receiver import Failure, Receiver, end_group, maildir_messages, read_text

# Owner of the mailboxes; any number will do that is not root's.
MAILBOX_UID = 60004

MASTER = """{address}:{port} inet n - n - 60 smtpd
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
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
myhostname = {host}
mydestination =
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 127.0.0.0/32
smtpd_peername_lookup = no
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = texthash:{dir}/users
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_transport = virtual
smtpd_recipient_restrictions = reject_unauth_destination{policy}
smtpd_discard_ehlo_keywords = {hidden}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
{tls}
"""


class Postfix(Receiver):
    NAME = "postfix"
    OFFERS = frozenset({"STARTTLS", "8BITMIME", "SMTPUTF8", "CHUNKING", "PIPELINING", "DSN", "SIZE"})
    HIDEABLE = frozenset({"8BITMIME", "SMTPUTF8", "CHUNKING", "PIPELINING", "DSN", "SIZE"})

    @classmethod
    def missing(cls):
        if shutil.which("postfix") is None:
            return "postfix is not installed"
        return super().missing()

    def __init__(self, *args, policy_port=None, **kwargs):
        """policy_port: of a policy service on 127.0.0.1 (postgrey)."""
        super().__init__(*args, **kwargs)
        self.master = None  # pid
        for sub in ("queue", "data", "etc", "mail"):
            (self.dir / sub).mkdir()
        shutil.chown(self.dir / "data", "postfix")
        os.chown(self.dir / "mail", MAILBOX_UID, MAILBOX_UID)
        (self.dir / "users").write_text("".join(f"{user}@{self.domain} {n}/\n" for n, user in enumerate(self.users)))
        tls = f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {self.chain}" if self.chain else ""
        (self.dir / "etc" / "main.cf").write_text(MAIN.format(
            dir=self.dir, host=self.host, domain=self.domain, address=self.address, uid=MAILBOX_UID, tls=tls,
            hidden=", ".join(sorted(self.hidden)).lower(),
            policy=f", check_policy_service inet:127.0.0.1:{policy_port}" if policy_port else ""))
        (self.dir / "etc" / "master.cf").write_text(MASTER.format(address=self.address, port=self.port))

    def _postfix(self, verb):
        command = ["postfix", "-c", str(self.dir / "etc"), verb]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def start(self):
        done = self._postfix("start")
        if done.returncode != 0:
            raise Failure(f"postfix start: {done.stderr}{done.stdout}{self.log()[-2000:]}")
        self.master = int((self.dir / "queue" / "pid" / "master.pid").read_text())
        self.wait_for_greeting()

    def stop(self):
        # Its own way of ending the master process; a busy one may outlive that. The master leads a process group.
        self._postfix("stop")
        if self.master:
            end_group(self.master)
            self.master = None

    def log(self):
        return read_text(self.dir / "maillog")

    def accepted(self):
        return collections.Counter(re.findall(r"postfix/virtual\[\d+\]: \w+: to=<([^>]+)>.*status=sent", self.log()))

    def bdat_used(self):
        return re.search(r"disconnect from .* bdat=[1-9]", self.log()) is not None

    def stored(self):
        return maildir_messages(self.dir / "mail", "Delivered-To")
