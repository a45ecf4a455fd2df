"""Greylisting as Postfix with postgrey does it: everything is delivered, and nobody comes too early.

  python3 postgrey_test.py [--bin DIR] [--case no_hint|hint]

The figures: median extra wait is the time from the wave's start to delivery, and must be at most the window and ten
seconds; a retry before the window is a second refusal of the same recipient in Postfix's log, and there must be none.
"""

import collections
import datetime
import json
import re
import statistics

from laboratory import Failure, Laboratory, address, available, check_delivered, run_cases
from postfix import Postfix
from postgrey import Postgrey

RECIPIENTS = 150
SLACK_S = 10


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def waits(lab):
    """Seconds from the start of the wave to each delivery."""
    started, delivered = None, []
    for line in lab.cluster.cli("--json", "events").splitlines():
        event = json.loads(line)
        if event["kind"] == "wave_started":
            started = moment(event["time"])
        if event.get("outcome") == "delivered":
            delivered.append((moment(event["time"]) - started).total_seconds())
    return delivered


def greylisted(args, folder, window_s, clock_scale, text):
    available([Postfix, Postgrey])
    users = [f"user{n}" for n in range(RECIPIENTS)]
    known = [f"{user}@postfix.test" for user in users]
    postgrey = Postgrey(folder / "postgrey", window_s, text)
    receiver = Postfix(folder / "receiver", address(1), users, policy_port=postgrey.port)
    try:
        postgrey.start()
        with Laboratory(folder, args, [receiver], clock_scale=clock_scale) as lab:
            lab.send(known)
            lab.wait_for_outcomes(timeout_s=window_s * 6 + 120)
            check_delivered(lab, receiver, known)
            waited = waits(lab)
            refusals = collections.Counter(
                re.findall(r"NOQUEUE: reject: RCPT from .* 450 4\.2\.0 <([^>]+)>: .*reylist", receiver.log()))
    finally:
        postgrey.stop()
    early = sum(refusals.values()) - len(refusals)
    median = statistics.median(waited)
    figures = (f"{len(known)} delivered, window {window_s} s, extra wait median {median:.1f} s, "
               f"most {max(waited):.1f} s; {len(refusals)} recipients were greylisted, "
               f"{early} retries came before the window")
    if not refusals:
        raise Failure(f"nobody was greylisted: {receiver.log()[-800:]}")
    if median > window_s + SLACK_S or early:
        raise Failure(figures)
    return figures


def no_hint(args, folder):
    """The text says nothing about the window: 30 s, which the sender's clock takes for five minutes."""
    return greylisted(args, folder, 30, 10, "Greylisted, come again")


def hint(args, folder):
    """The text says how many seconds are left."""
    return greylisted(args, folder, 20, 1, "Greylisted for %s seconds")


if __name__ == "__main__":
    run_cases(__doc__, {"no_hint": no_hint, "hint": hint})
