"""postgrey, as installed: the greylisting policy server that Postfix asks."""

import os
import shutil
import socket

from receiver import Daemon, free_port, wait_until

USER = "postgrey"


class Postgrey:
    """Keyed by client network, return path (extension cut, numbers folded) and recipient, with a client let through at
    once after five of its messages have passed: postgrey's defaults. text: of the refusal, %s stands for the seconds
    left."""

    @staticmethod
    def missing():
        if shutil.which("postgrey") is None:
            return "postgrey is not installed"
        return "postgrey needs root, to give it up" if os.geteuid() != 0 else ""

    def __init__(self, folder, delay_s, text=None):
        self.dir, self.port = folder, free_port()
        (folder / "db").mkdir(parents=True)
        for path in (folder.parent, folder):
            path.chmod(0o755)
        shutil.chown(folder / "db", USER)
        nobody = folder / "whitelist"
        nobody.write_text("# nobody goes round it\n")
        self.command = ["postgrey", f"--inet=127.0.0.1:{self.port}", f"--delay={delay_s}", f"--dbdir={folder / 'db'}",
                        f"--user={USER}", f"--whitelist-clients={nobody}", f"--whitelist-recipients={nobody}"]
        if text:
            self.command.append(f"--greylist-text={text}")
        self.daemon = None

    def start(self):
        self.daemon = Daemon(self.command, self.dir / "output")

        def answers():
            self.daemon.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        wait_until(answers, 20, "postgrey to listen")

    def stop(self):
        if self.daemon:
            self.daemon.stop()
