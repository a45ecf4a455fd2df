"""What this wavepost-sender can do, asked of the program itself: a test of something it lacks is skipped, and says so.

A feature is known by the configuration keys that turn it on: the first of the candidates that `--check-config` accepts
is taken.
"""

import subprocess
from pathlib import Path

from laboratory import ROOT, Skip

# Least that --check-config wants.
BASE = "egress_ips: [{{address: 127.0.0.1, ehlo_name: x.test}}]\nsmtp: {{port: 25{smtp_extra}}}\n{sender_extra}"

# Arguments of Laboratory per feature; {x} is filled from configure()'s arguments.
CANDIDATES = {
    # Mail for {domain} travels by TLS, verified or not.
    "required TLS": [
        {"sender_extra": "tls_policy: {{require: [{domain}]}}\n"},
    ],
    # TLSA records of MX hosts are looked up and obeyed.
    "DANE": [
        {"sender_extra": "tls_policy: {{dane: true}}\n"},
    ],
    # Policies are fetched by HTTPS from {https_port}; certificates are good if {authority} has signed.
    "MTA-STS": [
        {"sender_extra": "tls_policy: {{mta_sts: true, mta_sts_port: {https_port}, authorities: {authority}}}\n"},
    ],
}


def program(args):
    return Path(args.bin or ROOT / "build" / "release" / "bin") / "wavepost-sender"


def version(args):
    return subprocess.run([program(args), "--version"], capture_output=True, text=True).stdout.strip()


def configure(args, folder, feature, **values):
    """Arguments of Laboratory that turn the feature on; Skip if this sender has no key for it."""
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for candidate in CANDIDATES[feature]:
        filled = {key: {k: v.format(**values) for k, v in value.items()} if isinstance(value, dict)
                  else value.format(**values) for key, value in candidate.items()}
        smtp_extra = filled.get("smtp_extra", "")
        config = folder / "offers.yaml"
        config.write_text(BASE.format(smtp_extra=", " + smtp_extra if smtp_extra else "",
                                      sender_extra=filled.get("sender_extra", "")))
        done = subprocess.run([program(args), "--config", config, "--check-config"], capture_output=True, text=True)
        if done.returncode == 0:
            return filled
        said.append((filled.get("smtp_extra") or filled.get("sender_extra", "")).strip())
    raise Skip(f"{version(args)} has no configuration for {feature}: --check-config accepts none of: {'; '.join(said)}")
