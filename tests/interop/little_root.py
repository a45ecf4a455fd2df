"""A root folder for one server that is unpacked but not installed.

Debian's mail servers exclude each other, and each has its users and paths compiled in. So the others are unpacked, and
run in a chroot that holds the program, the libraries that it is linked with (this machine's), the few devices, and
passwd and group files with the users that it asks for. Nothing of the machine's own files is touched, and several run
at a time. Needs root, and chroot and mknod allowed.
"""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
# A mail server looks its ports up by name.
SERVICES = "smtp 25/tcp mail\nsubmissions 465/tcp smtps\nsubmission 587/tcp\ndomain 53/udp\n"


class LittleRoot:
    def __init__(self, folder, unpacked, programs, users):
        """users: name -> uid, which need not exist on the machine; each has a group of the same name and number."""
        self.dir = folder
        shutil.copytree(unpacked, folder, symlinks=True)
        for sub in ("bin", "dev", "etc", "run", "var/run", "tmp", "var/empty"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        (folder / "tmp").chmod(0o1777)
        shutil.copy("/bin/dash", folder / "bin" / "sh")
        for program in [*programs, "bin/sh"]:
            self._copy_libraries(folder / program)
        for name, number in DEVICES.items():
            os.mknod(folder / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(*number))
            (folder / "dev" / name).chmod(0o666)
        everybody = {"root": 0, "nobody": 65534, **users}
        self.write("etc/passwd", "".join(f"{n}:x:{i}:{i}::/var/empty:/bin/sh\n" for n, i in everybody.items()))
        self.write("etc/group", "".join(f"{n}:x:{i}:\n" for n, i in everybody.items()))
        self.write("etc/services", SERVICES)
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        # A resolver that answers nothing, at once.
        self.write("etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")

    def _copy_libraries(self, program):
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            target = self.dir / library.lstrip("/")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, target)

    def write(self, name, text, mode=0o644):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def folder(self, name, owner=0, mode=0o755):
        path = self.dir / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, owner, owner)
        path.chmod(mode)
        return path

    def command(self, *args):
        return ["chroot", str(self.dir), *args]


def missing_libraries(program):
    """Libraries that the program wants and the machine does not have."""
    listed = subprocess.run(["ldd", Path(program)], capture_output=True, text=True).stdout
    return re.findall(r"(\S+) => not found", listed)
