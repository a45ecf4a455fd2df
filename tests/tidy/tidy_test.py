"""House rules that no compiler checks: each finding is "file:line: what, and what to do". Run by ctest and ./dev lint.

  python3 tests/tidy/tidy_test.py [--root DIR]
"""

import argparse
import pathlib
import re
import subprocess
import sys

LINE_MAX = 120
FILE_LINES_MAX = 500

# What waits or reads clocks and random numbers does so in one place, so that tests own time and chance.
WIRING = r"(^|/)main\.cc$|(^|/)app\.cc$|_app\.cc$"
# The testnet's sockets and timers, which its pure parts know nothing of.
TESTNET_EDGE = r"^tests/testnet/(smtp_server|dsn_sender|testnet)\.cc$"
SLEEPS = r"\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|\babsl::SleepFor\b"
RANDOM = r"std::random_device|\bsrand\s*\(|[^_\w]rand\s*\(\s*\)"
BANNED = [
    # cli: a pause between two attempts to reach a server, or to find a domain verified.
    (SLEEPS, "a real sleep; wait for what you wait for", r"^cli/(call|cli|fake_server|fake_queue_server)\.cc$"),
    (RANDOM, "a global source of randomness; take a seeded generator", WIRING),
    (r"system_clock::now", "the wall clock; take a time or a Clock (common/base/clock.h)",
     rf"^common/base/clock\.h$|_test(_util)?\.cc$|^cli/fake_server\.cc$|{WIRING}"),
    (r"absl::Now\s*\(", "the wall clock; take a time or a Clock (common/base/clock.h)",
     rf"^common/base/clock\.h$|_test(_util)?\.cc$|/testing/|{WIRING}|{TESTNET_EDGE}"),
]
BANNED = [(re.compile(pattern), why, re.compile(allowed)) for pattern, why, allowed in BANNED]
ABSOLUTE_PATH = re.compile(r"(?<![\w.$}])/(work|home|root|Users)/\w")
SOURCES = (".cc", ".h", ".py", ".proto", ".cmake", ".txt", ".sh", ".md", ".yaml")
# Written by hand for people, not lines of code; or data.
FREE_FORM = re.compile(r"\.md$|^demo/(invitation|recipients)|^sender/sites/providers\.yaml$|"
                       r"^tests/k8s/.*\.json$|/testdata/|^tests/golden/|\.csv$")


def files(root):
    """Tracked and new files that git does not ignore; without git, every file outside build folders."""
    done = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True)
    if done.returncode == 0:
        names = sorted(set(done.stdout.decode().split("\0")) - {""})
    else:
        names = sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
        names = [n for n in names if not n.startswith(("build/", ".git/"))]
    return [n for n in names if (root / n).is_file()]


def check_lines(name, text):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE_MAX and not FREE_FORM.search(name) and "://" not in line:
            found.append(f"{name}:{number}: {len(line)} columns; at most {LINE_MAX}")
        if ABSOLUTE_PATH.search(line) and not name.startswith("tests/tidy/"):
            found.append(f"{name}:{number}: an absolute path of one machine; make it relative")
        if line != line.rstrip() and not FREE_FORM.search(name):
            found.append(f"{name}:{number}: space at the end of the line")
    return found


def check_calls(name, text):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        for pattern, why, allowed in BANNED:
            if pattern.search(code) and not allowed.search(name):
                found.append(f"{name}:{number}: {why}")
    return found


def check_size(name, text):
    lines = text.count("\n")
    return [f"{name}: {lines} lines; split it, {FILE_LINES_MAX} is the limit"] if lines > FILE_LINES_MAX else []


def check_built(root, names):
    """A source that no CMakeLists.txt names is dead, or worse, a test that never runs."""
    found = []
    for name in names:
        if not name.endswith(".cc"):
            continue
        folder, listed = (root / name).parent, False
        # Named in its own folder's list, or by path in one above it.
        for above in [folder, *folder.parents]:
            lists = above / "CMakeLists.txt"
            if lists.exists():
                path = (root / name).relative_to(above).as_posix()
                listed = listed or re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", lists.read_text()) is not None
            if listed or above == root:
                break
        if not listed:
            found.append(f"{name}: no CMakeLists.txt names it, so it is never built")
    return found


def check_pages(names):
    """Every top folder, and every folder with code, is explained: by its README.md or by the one above."""
    folders = {pathlib.PurePosixPath(n).parent for n in names if n.endswith((".cc", ".h", ".py", ".proto"))}
    have = {pathlib.PurePosixPath(n).parent for n in names if n.endswith("/README.md") or n == "README.md"}
    found = []
    for folder in sorted(folders):
        top_down = [folder, *[p for p in folder.parents if str(p) != "."]]
        if str(folder) != "." and not any(p in have for p in top_down):
            found.append(f"{folder}: has no README.md, nor has the folder above it")
    return found


def check_includes(name, text):
    """Arrows point one way: protos <- common <- services <- tests, bench. Services never include each other."""
    layer = name.split("/")[0]
    services = {"coordinator", "sender", "bouncer", "cli"}
    forbidden = {"common": services | {"tests", "bench"}, **{s: (services - {s}) | {"bench"} for s in services}}
    forbidden = forbidden.get(layer, set())
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "(\w+)/', line)
        if match and match.group(1) in forbidden:
            found.append(f"{name}:{number}: {layer} must not include {match.group(1)}")
    return found


def check(root):
    names = files(root)
    found = check_built(root, names) + check_pages(names)
    for name in names:
        path = root / name
        if not (name.endswith(SOURCES) or name in ("dev", ".ci/run")):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += check_lines(name, text)
        if name.endswith((".cc", ".h")):
            found += check_calls(name, text) + check_includes(name, text)
        if name.endswith((".cc", ".h")):
            found += check_size(name, text)
    return found


def self_test():
    """The rules must bite: each sample of bad code is found, each good one is not."""
    bad = [check_lines("a.cc", "x" * 121), check_lines("a.cc", 'open("/home/me/x")'), check_lines("a.cc", "x \n"),
           check_calls("a/b.cc", "std::this_thread::sleep_for(x);"), check_calls("a/b.cc", "std::random_device r;"),
           check_calls("a/b.cc", "auto t = absl::Now();"), check_calls("a/b.cc", "std::chrono::system_clock::now()"),
           check_size("a.cc", "\n" * 501), check_includes("sender/a.cc", '#include "coordinator/b.h"'),
           check_includes("common/a.cc", '#include "sender/b.h"'), check_pages(["new/a.cc"])]
    good = [check_lines("a.cc", "x" * 120), check_calls("a/main.cc", "std::random_device r;"),
            check_calls("a/b.cc", "// never absl::Now() here"), check_calls("a/b.cc", "Brand()"),
            check_includes("sender/a.cc", '#include "common/b.h"'), check_pages(["new/a.cc", "new/README.md"])]
    return [f"self test: bad sample {i} was not found" for i, f in enumerate(bad) if not f] + \
           [f"self test: good sample {i} was found: {f}" for i, f in enumerate(good) if f]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    found = self_test() + check(parser.parse_args().root.resolve())
    print("\n".join(found) or "tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
