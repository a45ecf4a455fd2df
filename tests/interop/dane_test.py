"""DANE (RFC 7672) with real parts: a zone signed by ldns, served by nsd, validated by unbound, received by Postfix.

  python3 dane_test.py [--bin DIR] [--case NAME]
"""

import json

from certificates import Authority, tlsa_authority, tlsa_end_entity
from dns_signed import SignedDns
from laboratory import Failure, Laboratory, address, available, check_delivered, check_nothing_taken, run_cases
from postfix import Postfix
from receiver import free_port
from sender_offers import configure

DOMAIN = "dane.test"
USERS = [f"user{n}" for n in range(20)]
KNOWN = [f"{user}@{DOMAIN}" for user in USERS]
WRONG = "3 1 1 " + "ab" * 32


def laboratory(args, folder, tlsa, signed=True, starttls=True, clock_scale=1.0):
    """tlsa: function(chain, authority) -> TLSA data of the MX host's port; none: no record. Returns DNS, Laboratory."""
    available([Postfix, SignedDns])
    how = configure(args, folder / "offers", "DANE")
    port = free_port()
    authority = Authority(folder / "authority")
    chain = authority.issue(f"mx.{DOMAIN}")
    receiver = Postfix(folder / "receiver", address(1), USERS, domain=DOMAIN, chain=chain if starttls else None,
                       port=port)
    dns = SignedDns(folder / "dns")
    records = ["@ MX 10 mx", f"mx A {receiver.address}"]
    # The sender asks for the port that it connects to; production's is 25.
    records += [f"_{p}._tcp.mx TLSA {tlsa(chain, authority)}" for p in (25, port) if tlsa]
    dns.add_zone(DOMAIN, records, signed=signed)
    return dns, Laboratory(folder, args, [receiver], dns_server=dns.server, clock_scale=clock_scale, **how)


def delivers(args, folder, tlsa, signed=True, word="DANE"):
    """Everything arrives over TLS; word: what the outcome must (or, with a minus before it, must not) mention."""
    dns, lab = laboratory(args, folder, tlsa, signed)
    with dns, lab:
        _, authentic, _ = dns.ask(DOMAIN, "MX")
        if authentic != signed:
            raise Failure(f"the resolver's AD bit is {authentic}, meant {signed}")
        lab.send(KNOWN)
        lab.wait_for_outcomes()
        said = check_delivered(lab, lab.receivers[0], KNOWN, tls=True)
        status = json.dumps(lab.statuses("outcome_recorded")[KNOWN[0]][-1])
        if (word.lstrip("-") in status) == word.startswith("-"):
            raise Failure(f"meant {word} in the outcome: {status}")
        return f"{said}, {lab.statuses('outcome_recorded')[KNOWN[0]][-1].get('tls')}"


def waits(args, folder, tlsa, starttls=True):
    """Nothing arrives, not even after several attempts, and nothing is sent in clear text."""
    dns, lab = laboratory(args, folder, tlsa, starttls=starttls, clock_scale=60)
    with dns, lab:
        lab.send(KNOWN[:3])
        lab.wait_for_deferrals(4)
        said = check_nothing_taken(lab, lab.receivers, KNOWN[:3], "tls_failure")
        if "RCPT" in lab.receivers[0].log() or " mail=" in lab.receivers[0].log():
            raise Failure(f"the envelope was spoken: {lab.receivers[0].log()[-800:]}")
        return said


def right_end_entity(args, folder):
    return delivers(args, folder, lambda chain, _: tlsa_end_entity(chain))


def right_trust_anchor(args, folder):
    return delivers(args, folder, lambda _, authority: tlsa_authority(authority))


def wrong_digest(args, folder):
    return waits(args, folder, lambda *_: WRONG)


def no_starttls(args, folder):
    """TLSA records are a promise of TLS (RFC 7672 section 2.2)."""
    return waits(args, folder, lambda *_: WRONG, starttls=False)


def unsigned_zone(args, folder):
    """A wrong record in an unsigned zone means nothing: opportunistic TLS."""
    return delivers(args, folder, lambda *_: WRONG, signed=False, word="-DANE")


def no_record(args, folder):
    """A signed zone without TLSA: opportunistic TLS."""
    return delivers(args, folder, None, word="-DANE")


def unusable_record(args, folder):
    """Only records that no SMTP client can use: TLS is required, the peer is not verified (RFC 7672 section 2.2)."""
    return delivers(args, folder, lambda *_: "1 1 1 " + "cd" * 32, word="-DANE-")


if __name__ == "__main__":
    run_cases(__doc__, {case.__name__: case for case in (
        right_end_entity, right_trust_anchor, wrong_digest, no_starttls, unsigned_zone, no_record, unusable_record)})
