"""A campaign to a real Postfix on loopback: what it took must be what our books say.

Starts a Postfix of its own: configuration, queue and log in a temporary folder, a free port. Needs the package postfix,
and root, as Postfix does. It refuses unknown users at RCPT; everything else goes to its discard transport.

  python3 postfix_test.py [--bin DIR]
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster as clusters  # noqa: E402

RECIPIENTS = 500
UNKNOWN_EVERY = 25

MASTER = """127.0.0.1:{port} inet n - n - 50 smtpd
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
discard unix - - n - - discard
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
myhostname = mx.postfix.test
mydestination = postfix.test
local_transport = discard:taken
local_recipient_maps = texthash:{dir}/users
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/32
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_chain_files = {dir}/tls.pem
"""


class Postfix:
    """A Postfix instance of our own."""

    def __init__(self, folder, port, users):
        self.dir = folder
        for sub in ("queue", "data", "etc"):
            (folder / sub).mkdir()
        folder.chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        (folder / "users").write_text("".join(f"{user} x\n" for user in users))
        key, certificate = folder / "key.pem", folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=mx.postfix.test", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        (folder / "tls.pem").write_text(key.read_text() + certificate.read_text())
        (folder / "etc" / "main.cf").write_text(MAIN.format(dir=folder))
        (folder / "etc" / "master.cf").write_text(MASTER.format(port=port))
        self.command("start")

    def command(self, verb):
        command = ["postfix", "-c", str(self.dir / "etc"), verb]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0 and verb == "start":
            raise clusters.Failure(f"postfix {verb}: {done.stderr}{done.stdout}{self.log()[-2000:]}")

    def log(self):
        path = self.dir / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""

    def taken(self):
        """How often each address was handed to the discard transport."""
        return collections.Counter(re.findall(r"to=<([^>]+)>.*status=sent", self.log()))


def run(args, folder):
    port = clusters.free_port()
    users = [f"user{i}" for i in range(RECIPIENTS) if i % UNKNOWN_EVERY]
    (folder / "postfix").mkdir()
    folder.chmod(0o755)
    postfix = Postfix(folder / "postfix", port, users)
    try:
        with open(folder / "recipients.csv", "w") as out:
            out.write("email,first_name\n")
            out.writelines(f"user{i}@postfix.test,Jörg {i}\n" for i in range(RECIPIENTS))
        (folder / "mail.html").write_text("<p>Grüß Gott {{first_name}}</p>\n.\n<p>a line that is a dot</p>\n")
        scenario = "records:\n  - postfix.test MX 10 mx.postfix.test\n  - mx.postfix.test A 127.0.0.1\n"
        with clusters.Cluster(folder, bin_dir=args.bin, senders=1, scenario=scenario) as wavepost:
            sender = folder / "sender-0.yaml"
            sender.write_text(sender.read_text().replace(f"port: {wavepost.port['smtp']}", f"port: {port}"))
            wavepost.start()
            wavepost.add_sending_domain("survey.test")
            wavepost.cli("create", "--csv", folder / "recipients.csv", "--subject", "Für {{first_name}}", "--from",
                         "Umfrage <umfrage@survey.test>", "--html", folder / "mail.html", "--id", "postfix", "--start")
            clusters.wait_until(lambda: wavepost.cli_json("audit", "postfix", "--summary")["open"] == 0, 120,
                                "every recipient to have an outcome", interval_s=0.3)
            audit = wavepost.cli_json("audit", "postfix")
            tls = wavepost.cli_json("recipient", audit["recipients"][1]["recipient"])["status"].get("tls", "")
            clusters.wait_until(lambda: sum(postfix.taken().values()) >= len(users), 60, "Postfix to log what it took")
    finally:
        postfix.command("stop")
    wrong = []
    taken = postfix.taken()
    for entry in audit["recipients"]:
        known = entry["address"].split("@")[0] in users
        if known != (entry["outcome"] == "delivered") or taken[entry["address"]] != int(known):
            wrong.append(f"{entry['address']}: {entry['outcome']}, taken {taken[entry['address']]} times")
        if not known and entry["reason"] != "user_unknown":
            wrong.append(f"{entry['address']}: reason {entry['reason']}")
    print(f"Postfix took {sum(taken.values())}, refused {RECIPIENTS - len(users)}; delivered {audit['delivered']}, "
          f"bounced {audit['bounced']}, balanced {audit['balanced']}; TLS {tls or 'none'}; wrong {len(wrong)}")
    for finding in wrong[:20]:
        print("  " + finding)
    return audit["balanced"] and not wrong and tls.startswith("TLS")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=None, help="folder of the binaries")
    args = parser.parse_args()
    if shutil.which("postfix") is None:
        print("postfix is not installed: './dev test --interop' installs it", file=sys.stderr)
        return 1
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wavepost-postfix-"))
    good = False
    try:
        good = run(args, folder)
    finally:
        if good:
            shutil.rmtree(folder)
        else:
            print(f"kept: {folder}")
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
