"""STARTTLS with each real receiver: used where offered, and what happens where it is required.

  python3 starttls_test.py [--bin DIR] [--receiver NAME] [--case NAME]
"""

from certificates import Authority
from laboratory import RECEIVERS, Laboratory, address, check_delivered, check_nothing_taken, run_cases
from sender_offers import configure

RECIPIENTS = 60


def receiver_of(folder, kind, chain):
    users = [f"user{n}" for n in range(RECIPIENTS)]
    return kind(folder / "receiver", address(1), users, chain=chain), [f"{user}@{kind.NAME}.test" for user in users]


def unknown_authority(folder, kind):
    """A certificate that nobody has a reason to trust: good enough for opportunistic TLS (RFC 7435)."""
    return Authority(folder / "authority").issue(f"other.{kind.NAME}.test")


def opportunistic(args, folder, kind):
    receiver, known = receiver_of(folder, kind, unknown_authority(folder, kind))
    with Laboratory(folder, args, [receiver]) as lab:
        lab.send([*known, f"nobody@{receiver.domain}"])
        lab.wait_for_outcomes()
        said = check_delivered(lab, receiver, known, [f"nobody@{receiver.domain}"], tls=True)
        return f"{said}, {lab.statuses('outcome_recorded')[known[0]][0]['tls']}"


def required(args, folder, kind):
    how = configure(args, folder / "offers", "required TLS", domain=f"{kind.NAME}.test")
    receiver, known = receiver_of(folder, kind, unknown_authority(folder, kind))
    with Laboratory(folder, args, [receiver], **how) as lab:
        lab.send(known)
        lab.wait_for_outcomes()
        return check_delivered(lab, receiver, known, tls=True)


def required_but_not_offered(args, folder, kind):
    how = configure(args, folder / "offers", "required TLS", domain=f"{kind.NAME}.test")
    receiver, known = receiver_of(folder, kind, None)
    # A site that fails is not tried for each recipient: one deferral is enough to see, a second attempt makes sure.
    with Laboratory(folder, args, [receiver], clock_scale=60, **how) as lab:
        lab.send(known[:5])
        lab.wait_for_deferrals(2)
        return check_nothing_taken(lab, [receiver], known[:5])


if __name__ == "__main__":
    run_cases(__doc__, {"opportunistic": opportunistic, "required": required,
                        "required_but_not_offered": required_but_not_offered}, list(RECEIVERS))
