"""Addresses and bodies beyond ASCII, and how messages travel: SMTPUTF8, 8BITMIME and its absence, BDAT.

  python3 content_test.py [--bin DIR] [--receiver NAME] [--case NAME]
"""

from laboratory import RECEIVERS, Failure, Laboratory, Skip, address, check_delivered, run_cases

RECIPIENTS = 60
ASCII_USERS = [f"user{n}" for n in range(RECIPIENTS)]
# No sharp s: Postfix folds it to "ss" when it looks up a mailbox.
UTF8_USERS = ["grün", "jörg.müller", "用户", "δοκιμή"]


def demand_offer(kind, keyword):
    if keyword not in kind.OFFERS:
        raise Skip(f"{kind.NAME} has no {keyword}")


def demand_hideable(kind, keyword):
    if keyword not in kind.HIDEABLE:
        raise Skip(f"{kind.NAME} cannot be told to leave {keyword} out")


def deliver(args, folder, kind, users, **options):
    receiver = kind(folder / "receiver", address(1), users, **options)
    known = [f"{user}@{receiver.domain}" for user in users]
    with Laboratory(folder, args, [receiver]) as lab:
        lab.send(known)
        lab.wait_for_outcomes()
        return receiver, check_delivered(lab, receiver, known)


def smtputf8(args, folder, kind):
    """Local parts that only SMTPUTF8 carries (RFC 6531)."""
    demand_offer(kind, "SMTPUTF8")
    return deliver(args, folder, kind, UTF8_USERS + ASCII_USERS[:5])[1]


def smtputf8_not_offered(args, folder, kind):
    """Such an address cannot be reached (RFC 6531 section 3.2): it bounces, ASCII addresses beside it do not."""
    if "SMTPUTF8" in kind.OFFERS:
        demand_hideable(kind, "SMTPUTF8")
    receiver = kind(folder / "receiver", address(1), ASCII_USERS[:5], hidden={"SMTPUTF8"} & kind.HIDEABLE)
    known = [f"{user}@{receiver.domain}" for user in ASCII_USERS[:5]]
    beyond = [f"{user}@{receiver.domain}" for user in UTF8_USERS]
    with Laboratory(folder, args, [receiver]) as lab:
        lab.send([*known, *beyond])
        books = lab.wait_for_outcomes()
        said = check_delivered(lab, receiver, known)
        wrong = {to: (books[to]["outcome"], books[to]["enhanced_code"]) for to in beyond
                 if books[to]["outcome"] != "bounced" or books[to]["reason"] == "user_unknown"}
        if wrong:
            raise Failure(f"meant a bounce that does not blame the address: {wrong}")
        return f"{said}, {len(beyond)} bounced: {books[beyond[0]]['reason']} {books[beyond[0]]['enhanced_code']}"


def eight_bit_offered(args, folder, kind):
    demand_offer(kind, "8BITMIME")
    return deliver(args, folder, kind, ASCII_USERS)[1]


def eight_bit_not_offered(args, folder, kind):
    """What arrives is 7 bit, and means the same (RFC 6152 section 3)."""
    demand_hideable(kind, "8BITMIME")
    # SMTPUTF8 without 8BITMIME must not be offered (RFC 6531 section 3.1); BDAT is not the way round either.
    hidden = {"8BITMIME", "SMTPUTF8"} & kind.HIDEABLE
    receiver, said = deliver(args, folder, kind, ASCII_USERS, hidden=hidden)
    eight = [message.recipient for message in receiver.stored() if not message.raw.isascii()]
    if eight:
        raise Failure(f"{len(eight)} messages arrived with bytes beyond 7 bit, e.g. for {eight[0]}")
    return f"{said}, all 7 bit"


def chunking(args, folder, kind):
    """BDAT is used where it is offered (RFC 3030)."""
    demand_offer(kind, "CHUNKING")
    receiver, said = deliver(args, folder, kind, ASCII_USERS + (UTF8_USERS if "SMTPUTF8" in kind.OFFERS else []))
    if not receiver.bdat_used():
        raise Failure(f"{said}, but {kind.NAME} saw no BDAT: {receiver.log()[-600:]}")
    return f"{said}, by BDAT"


def chunking_not_offered(args, folder, kind):
    demand_hideable(kind, "CHUNKING")
    receiver, said = deliver(args, folder, kind, ASCII_USERS, hidden={"CHUNKING"})
    if receiver.bdat_used():
        raise Failure("BDAT was used although it was not offered")
    return f"{said}, by DATA"


def pipelining_not_offered(args, folder, kind):
    if "PIPELINING" in kind.OFFERS:
        demand_hideable(kind, "PIPELINING")
    return deliver(args, folder, kind, ASCII_USERS, hidden={"PIPELINING"} & kind.HIDEABLE)[1]


if __name__ == "__main__":
    run_cases(__doc__, {case.__name__: case for case in (
        smtputf8, smtputf8_not_offered, eight_bit_offered, eight_bit_not_offered, chunking, chunking_not_offered,
        pipelining_not_offered)}, list(RECEIVERS))
