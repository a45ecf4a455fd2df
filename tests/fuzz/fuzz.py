"""Runs the fuzz targets, each for a time, and says what they found.

  python3 tests/fuzz/fuzz.py --bin build/fuzz/fuzz [--seconds 600] [NAME ...]      or: ./dev fuzz

What a target learns stays in build/fuzz/corpus/NAME, so that the next run goes on from there. A finding is left in
build/fuzz/findings; make a test of it.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where a target starts from; the others start from nothing.
SEEDS = {
    "fuzz_report": ["bouncer/report/testdata", "bouncer/testdata/corpus"],
    "fuzz_aggregate": ["bouncer/aggregate/testdata"],
    "fuzz_domain_records": ["coordinator/domains/testdata"],
}
INPUT_BYTES_MAX = 65536
MEMORY_MB = 2048
RSS = re.compile(r"stat::peak_rss_mb:\s+(\d+)")
RUNS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


def run(target, seconds, work):
    """(name, finding or None, runs, peak MB)"""
    corpus, findings = work / "corpus" / target.name, work / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    seeds = [str(ROOT / folder) for folder in SEEDS.get(target.name, []) if (ROOT / folder).is_dir()]
    done = subprocess.run(
        [str(target), f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", f"-rss_limit_mb={MEMORY_MB}",
         "-timeout=20", "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={findings}/{target.name}-",
         str(corpus), *seeds], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    runs, rss = RUNS.search(done.stderr), RSS.search(done.stderr)
    finding = None if done.returncode == 0 else done.stderr[-4000:]
    return target.name, finding, int(runs.group(1)) if runs else 0, int(rss.group(1)) if rss else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/fuzz/fuzz", help="folder of the targets")
    parser.add_argument("--seconds", type=int, default=600, help="for each target (default 600)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at a time")
    parser.add_argument("names", nargs="*", help="targets, e.g. fuzz_report; default: all")
    args = parser.parse_args()
    targets = sorted(path for path in args.bin.glob("fuzz_*") if os.access(path, os.X_OK))
    unknown = set(args.names) - {path.name for path in targets}
    if not targets or unknown:
        sys.exit(f"fuzz: {', '.join(sorted(unknown)) or 'nothing'} in {args.bin}; './dev build fuzz' makes: "
                 f"{', '.join(path.name for path in targets) or 'them'}")
    if args.names:
        targets = [path for path in targets if path.name in args.names]
    rounds = -(-len(targets) // args.jobs)
    print(f"{len(targets)} targets, {args.seconds} s each, about {rounds * args.seconds / 60:.0f} minutes", flush=True)
    failed, start = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = [pool.submit(run, target, args.seconds, ROOT / "build/fuzz") for target in targets]
        for number, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            name, finding, runs, rss = future.result()
            failed += finding is not None
            print(f"[{number}/{len(targets)} {time.monotonic() - start:5.0f} s] {'FOUND' if finding else 'ok':5} "
                  f"{name}: {runs} runs, {rss} MB", flush=True)
            if finding:
                print(finding, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
