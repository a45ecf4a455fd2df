"""Makes the demo's audience: a CSV file of invented people at 300 invented domains of very unequal size. Seeded.

  python3 make_recipients.py [--rows N] [--seed N] [--out FILE]

Columns: email, first_name, last_name, company, language, survey_url. In the file, as in real ones: umlauts, domains
with umlauts, quoted fields, 1 % malformed addresses, 1 % duplicates (half of them differ only by letter case in the
domain).
domains() is the world that the addresses belong to; demo.py builds the simulated internet from it.
"""

import argparse
import collections
import csv
import pathlib
import random
import sys

Domain = collections.namedtuple("Domain", "name company weight profile")  # profile: see scenario.yaml

DOMAINS = 300
ROWS = 20000
SEED = 2026
MALFORMED_SHARE = 0.01
DUPLICATE_SHARE = 0.01

# The few at which most people are: (name, share of all rows, profile).
PROVIDERS = [("grossmail.example", 0.17, "throttling"), ("postbote.example", 0.11, "throttling"),
             ("freipost.example", 0.08, "plain"), ("mailwerk.example", 0.06, "greylisting"),
             ("bigmail.example", 0.05, "throttling")]
# Two domains with umlauts, as people write them; the wire knows them by their A-labels.
IDN = [("müller-söhne.example", "Müller, Söhne & Co. \"KG\""), ("bäckerei-weiß.example", "Bäckerei Weiß")]

FIRST = {"de": "Anna Jörg Käthe Lukas Marie Nils Özlem Paul Renate Sören Ursula Zoë".split(),
         "en": "Alice Brian Chloe David Emma Finn Grace Henry Isla James Kate Liam".split()}
LAST = {"de": "Bäcker Fuchs Groß Hübner Jäger König Müller Öztürk Schäfer Vogel Weiß Zöllner".split(),
        "en": "Baker Clark Davies Evans Green Hughes Jones O'Brien Smith Taylor Walker Young".split()}
TRADES = ("Anlagenbau Bau Chemie Druck Elektro Foods Glas Holz Instruments Kunststoff Logistik Metall Optik Papier "
          "Robotics Stahl Technik Umwelt Verlag Werkzeug").split()
PLACES = "Aar Berg Camber Dorn Elm Falken Garten Hafen Insel Jura Kirch Linden Mühl Nord Ost".split()

MALFORMED = ["{local}", "{local}@", "@{domain}", "{local}@@{domain}", "{local} {local}@{domain}", "{local}..x@{domain}",
             ".{local}@{domain}", "{local}@{domain}..", "{local}@-{domain}", "{local}@x..{domain}", "<{local}@{domain}",
             "{local},{domain}"]

ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ö": "Oe", "Ä": "Ae", "Ü": "Ue", "ë": "e", "'": ""})


def domains():
    """All domains, the big ones first. A fifth of them greylists; some of the small ones share one host."""
    out = [Domain(name, name.split(".")[0].capitalize(), share, profile) for name, share, profile in PROVIDERS]
    left = 1 - sum(d.weight for d in out)
    companies = [(name, company) for name, company in IDN]
    for place in PLACES:
        for trade in TRADES:
            companies.append((f"{place}-{trade}.example".lower().translate(ASCII), f"{place}{trade.lower()} GmbH"))
    companies = companies[:DOMAINS - len(out)]
    sizes = [1 / (3 + rank) for rank in range(len(companies))]
    for rank, ((name, company), size) in enumerate(zip(companies, sizes)):
        # Every fifth greylists (with mailwerk: 60 of 300); every tenth lives at a common host.
        profile = "greylisting" if rank % 5 == 0 else {3: "hosted", 7: "slow"}.get(rank % 10, "plain")
        out.append(Domain(name, company, left * size / sum(sizes), profile))
    return out


def rows(count, seed):
    """Yields (email, first_name, last_name, company, language, survey_url)."""
    rng = random.Random(seed)
    world = domains()
    weights = [d.weight for d in world]
    seen = []
    for i in range(count):
        # Each domain once, then by size.
        domain = world[i] if i < len(world) else rng.choices(world, weights)[0]
        language = "de" if rng.random() < 0.6 else "en"
        first, last = rng.choice(FIRST[language]), rng.choice(LAST[language])
        local = f"{first}.{last}".lower().translate(ASCII) + str(i)
        email = f"{local}@{domain.name}"
        kind = rng.random() if i >= len(world) else 1
        if kind < MALFORMED_SHARE:
            email = rng.choice(MALFORMED).format(local=local, domain=domain.name)
        elif kind < MALFORMED_SHARE + DUPLICATE_SHARE:
            email = rng.choice(seen)
            if rng.random() < 0.5 and email.isascii():
                email = email.split("@")[0] + "@" + email.split("@")[1].upper()
        else:
            seen.append(email)
        yield email, first, last, domain.company, language, f"https://umfrage.example/s/{rng.getrandbits(64):016x}"


def write(path, count=ROWS, seed=SEED):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["email", "first_name", "last_name", "company", "language", "survey_url"])
        writer.writerows(rows(count, seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", default=str(pathlib.Path(__file__).with_name("recipients.csv")))
    args = parser.parse_args()
    write(args.out, args.rows, args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
