"""A campaign in clear text to each real receiver: what it took must be what our books say, and what was meant.

  python3 plain_test.py [--bin DIR] [--receiver NAME]
"""

from certificates import Authority
from laboratory import RECEIVERS, Laboratory, address, check_delivered, run_cases

RECIPIENTS = 300
UNKNOWN_EVERY = 25


def addresses(receiver_domain):
    """Known and unknown addresses of a domain, and the known local parts."""
    users = [f"user{n}" for n in range(RECIPIENTS) if n % UNKNOWN_EVERY]
    strangers = [f"user{n}" for n in range(RECIPIENTS) if n % UNKNOWN_EVERY == 0]
    return users, [f"{u}@{receiver_domain}" for u in users], [f"{u}@{receiver_domain}" for u in strangers]


def clear_text(args, folder, kind):
    users, known, unknown = addresses(f"{kind.NAME}.test")
    receiver = kind(folder / "receiver", address(1), users)
    with Laboratory(folder, args, [receiver]) as lab:
        lab.send(sorted([*known, *unknown]))
        lab.wait_for_outcomes()
        return check_delivered(lab, receiver, known, unknown, tls=False)


def starttls_not_wanted(args, folder, kind):
    """It offers STARTTLS; the sender is told not to use it."""
    users, known, unknown = addresses(f"{kind.NAME}.test")
    chain = Authority(folder / "authority").issue(f"mx.{kind.NAME}.test")
    receiver = kind(folder / "receiver", address(1), users, chain=chain)
    with Laboratory(folder, args, [receiver], starttls=False) as lab:
        lab.send(sorted([*known, *unknown]))
        lab.wait_for_outcomes()
        return check_delivered(lab, receiver, known, unknown, tls=False)


if __name__ == "__main__":
    run_cases(__doc__, {"clear_text": clear_text, "starttls_not_wanted": starttls_not_wanted}, list(RECEIVERS))
