"""MTA-STS (RFC 8461) with a real receiver (Postfix) and a policy server with a certificate of our own authority.

  python3 mta_sts_test.py [--bin DIR] [--case NAME]
"""

import contextlib

from certificates import Authority
from https_policy import PolicyServer
from laboratory import Failure, Laboratory, address, available, check_delivered, check_nothing_taken, run_cases
from postfix import Postfix
from sender_offers import configure

DOMAIN = "sts.test"
POLICY_HOST = f"mta-sts.{DOMAIN}"
USERS = [f"user{n}" for n in range(20)]
KNOWN = [f"{user}@{DOMAIN}" for user in USERS]


@contextlib.contextmanager
def laboratory(args, folder, mode="enforce", mx=None, trusted=True, starttls=True, policy_trusted=True,
               clock_scale=1.0):
    """trusted, policy_trusted: have the receiver's and the policy server's certificates been signed by the authority
    that the sender trusts? Yields Laboratory and PolicyServer."""
    available([Postfix])
    authority, stranger = Authority(folder / "authority"), Authority(folder / "stranger", "Somebody else")
    chain = (authority if trusted else stranger).issue(f"mx.{DOMAIN}")
    policy_chain = (authority if policy_trusted else stranger).issue(POLICY_HOST)
    policy = PolicyServer(address(2), policy_chain, mode, mx or [f"mx.{DOMAIN}"])
    how = configure(args, folder / "offers", "MTA-STS", https_port=policy.port, authority=authority.certificate)
    receiver = Postfix(folder / "receiver", address(1), USERS, domain=DOMAIN, chain=chain if starttls else None)
    records = f"  - _mta-sts.{DOMAIN} TXT \"v=STSv1; id=20260101T000000;\"\n  - {POLICY_HOST} A {policy.address}\n"
    with policy, Laboratory(folder, args, [receiver], records=records, clock_scale=clock_scale, **how) as lab:
        yield lab, policy


def demand_fetch(policy):
    if policy.fetches == 0:
        raise Failure("nobody asked for the policy")
    if any(host.split(":")[0] != POLICY_HOST for host in policy.hosts):
        raise Failure(f"the policy was asked for as {policy.hosts}")


def delivers(args, folder, tls=True, fetched=True, **options):
    with laboratory(args, folder, **options) as (lab, policy):
        lab.send(KNOWN)
        lab.wait_for_outcomes()
        said = check_delivered(lab, lab.receivers[0], KNOWN, tls=tls)
        if fetched:
            demand_fetch(policy)
        return f"{said}, policy fetched {policy.fetches} times"


def waits(args, folder, **options):
    with laboratory(args, folder, clock_scale=60, **options) as (lab, policy):
        lab.send(KNOWN[:3])
        lab.wait_for_deferrals(4)
        demand_fetch(policy)
        return check_nothing_taken(lab, lab.receivers, KNOWN[:3], "tls_failure")


def enforce(args, folder):
    return delivers(args, folder)


def enforce_wildcard(args, folder):
    return delivers(args, folder, mx=[f"*.{DOMAIN}"])


def enforce_wrong_mx(args, folder):
    return waits(args, folder, mx=["mx.elsewhere.test"])


def enforce_untrusted_certificate(args, folder):
    return waits(args, folder, trusted=False)


def enforce_no_starttls(args, folder):
    return waits(args, folder, starttls=False)


def testing_wrong_mx(args, folder):
    return delivers(args, folder, mode="testing", mx=["mx.elsewhere.test"])


def testing_no_starttls(args, folder):
    return delivers(args, folder, mode="testing", starttls=False, tls=False)


def policy_server_untrusted(args, folder):
    """A policy that cannot be fetched and was never seen: mail goes as if there were none (RFC 8461 section 5.1)."""
    return delivers(args, folder, policy_trusted=False, trusted=False, fetched=False)


def policy_server_gone(args, folder):
    """What was fetched once still rules when the policy server is gone, and after a restart of the sender."""
    with laboratory(args, folder) as (lab, policy):
        lab.send(KNOWN[:5])
        lab.wait_for_outcomes()
        check_delivered(lab, lab.receivers[0], KNOWN[:5], tls=True)
        demand_fetch(policy)
        policy.stop()
        lab.cluster.processes["sender-0"].stop()
        # The same receiver comes back without TLS: only the remembered policy knows that this is wrong.
        receiver = lab.receivers[0]
        receiver.stop()
        config = receiver.dir / "etc" / "main.cf"
        config.write_text(config.read_text().replace("tls_security_level = may", "tls_security_level = none"))
        receiver.start()
        lab.cluster.start("sender-0")
        before = len(receiver.stored())
        lab.send(KNOWN[5:8], campaign="second")
        lab.wait_for_deferrals(1, campaign="second")
        books = lab.audit("second")
        if len(receiver.stored()) != before or any(entry["outcome"] == "delivered" for entry in books.values()):
            raise Failure(f"the remembered policy was not kept: {books}")
        return f"5 delivered, then {len(books)} wait without a policy server"


if __name__ == "__main__":
    run_cases(__doc__, {case.__name__: case for case in (
        enforce, enforce_wildcard, enforce_wrong_mx, enforce_untrusted_certificate, enforce_no_starttls,
        testing_wrong_mx, testing_no_starttls, policy_server_untrusted, policy_server_gone)})
