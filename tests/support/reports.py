"""Mails that come back, and handing them to a bouncer over SMTP. For tests and benches."""

import queue
import smtplib
import threading
import time

ATTEMPT_S = 20


def dsn(recipient, status="5.1.1", diagnostic="550 5.1.1 no such user here", action="failed", note=""):
    """An RFC 3464 report about one recipient."""
    return f"""From: Mail Delivery System <mailer-daemon@mx.people.test>
To: <b@bounce.wavepost.test>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Date: Mon, 4 May 2026 10:00:00 +0000
Message-ID: <dsn{note}@mx.people.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain; charset=us-ascii

Your message to {recipient} was not delivered: {diagnostic}

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.people.test

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--part
Content-Type: text/rfc822-headers

From: Survey <survey@survey.test>
To: <{recipient}>
Subject: Hello

--part--
"""


def hard(recipient, note=""):
    return dsn(recipient, note=note)


def soft(recipient, note=""):
    return dsn(recipient, "5.2.2", "552 5.2.2 mailbox is full", note=note)


def policy(recipient):
    return dsn(recipient, "5.7.1", "554 5.7.1 message rejected as spam")


def delay(recipient):
    return dsn(recipient, "4.4.1", "connection timed out, still trying", action="delayed")


def auto_reply(recipient):
    return f"""From: <{recipient}>
To: <b@bounce.wavepost.test>
Subject: Out of office: Hello
Auto-Submitted: auto-replied
Date: Mon, 4 May 2026 10:00:00 +0000
Message-ID: <away@people.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

I am away until Monday.
"""


def complaint(recipient, return_path):
    """An RFC 5965 report with the returned headers."""
    return f"""From: <fbl@provider.test>
To: <fbl@bounce.wavepost.test>
Subject: complaint
Date: Mon, 4 May 2026 10:00:00 +0000
Message-ID: <complaint@provider.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain; charset=us-ascii

This is an abuse report.

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: ProviderFBL/1.0
Version: 1
Original-Mail-From: <{return_path}>
Original-Rcpt-To: <{recipient}>

--part
Content-Type: message/rfc822

Return-Path: <{return_path}>
From: Survey <survey@survey.test>
To: <{recipient}>
Subject: Hello

Hello

--part--
"""


def crlf(text):
    """As it goes on the wire. The mails of this file have no line that begins with a dot, and end with a line end."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def inject(port, rcpt_to, text, mail_from=""):
    """One mail; returns its (code, text). A refusal at RCPT is that reply. Errors of the connection are raised."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="mx.people.test", timeout=ATTEMPT_S) as smtp:
        return put(smtp, rcpt_to, text, mail_from)


def put(smtp, rcpt_to, text, mail_from=""):
    """The same on a connection that is open."""
    smtp.ehlo_or_helo_if_needed()
    smtp.mail(mail_from)
    code, answer = smtp.rcpt(rcpt_to)
    if code != 250:
        smtp.rset()
        return code, answer
    return smtp.data(crlf(text))


class Injector:
    """Hands in many mails over several connections, each once and never again: `taken` has the keys of those that got
    their 250, `refused` of those that got another reply, `unanswered` of those of which the reply never came; the last
    may be stored or not. A mail that cannot be begun (no connection) waits until it can.

    on_taken: called with the key right after its 250, on the injecting thread.
    """

    def __init__(self, port, connections=8, on_taken=None):
        self.port, self.on_taken = port, on_taken
        self.taken, self.refused, self.unanswered = set(), {}, set()
        self._work, self._lock, self._stopped = queue.Queue(), threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def add(self, key, rcpt_to, text):
        self._work.put((key, rcpt_to, text))

    def decided(self):
        with self._lock:
            return len(self.taken) + len(self.unanswered) + len(self.refused)

    def finish(self, timeout_s=120):
        """Waits until all that was added is decided."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout_s)
        self._stopped.set()
        if any(thread.is_alive() for thread in self._threads):
            raise RuntimeError(f"the bouncer did not take all mails within {timeout_s} s")

    def _connect(self):
        while not self._stopped.wait(0.02):
            try:
                smtp = smtplib.SMTP("127.0.0.1", self.port, local_hostname="mx.people.test", timeout=ATTEMPT_S)
                smtp.ehlo()
                return smtp
            except (OSError, smtplib.SMTPException):
                continue
        raise RuntimeError("stopped")

    def _run(self):
        smtp = None
        while (item := self._work.get()) is not None:
            key, rcpt_to, text = item
            while True:
                smtp = smtp or self._connect()
                begun = False
                try:
                    smtp.mail("")
                    code, answer = smtp.rcpt(rcpt_to)
                    if code == 250:
                        smtp.putcmd("data")
                        code, answer = smtp.getreply()
                        if code == 354:
                            begun = True  # from here on it may be stored, whatever we hear
                            smtp.send(crlf(text) + b".\r\n")
                            code, answer = smtp.getreply()
                            if code == -1:
                                raise smtplib.SMTPServerDisconnected("no reply")
                    elif code == -1:
                        raise smtplib.SMTPServerDisconnected("no reply")
                except (OSError, smtplib.SMTPException):
                    smtp.close()
                    smtp = None
                    if not begun:
                        continue
                    with self._lock:
                        self.unanswered.add(key)
                    break
                if code in (421, 451, 452):  # later; nothing is stored
                    smtp.close()
                    smtp = None
                    self._stopped.wait(0.05)
                    continue
                with self._lock:
                    if code == 250:
                        self.taken.add(key)
                    else:
                        self.refused[key] = (code, answer)
                if code == 250 and self.on_taken:
                    self.on_taken(key)
                if code != 250:
                    smtp.close()
                    smtp = None
                break
        if smtp:
            smtp.close()


def counts(wavepost, campaign):
    """How many reports the books have about each recipient, by address."""
    return {entry["address"]: entry["reports"] for entry in wavepost.cli_json("audit", campaign)["recipients"]}


def settle(wavepost, campaign, addresses, timeout_s=60, quiet_s=1.0):
    """Waits until each address has a report on the books, and then until none comes any more; returns counts()."""
    deadline = time.monotonic() + timeout_s
    while not all(count > 0 for address, count in counts(wavepost, campaign).items() if address in addresses):
        if time.monotonic() > deadline:
            return counts(wavepost, campaign)  # the caller sees what is missing
        time.sleep(0.1)
    before = None
    while (now := counts(wavepost, campaign)) != before:
        before = now
        time.sleep(quiet_s)
    return now


def differences(booked, injector):
    """Sentences about each address (the injector's keys) of which the books do not say what the bouncer said."""
    out = [f"{address}: got its 250, and {booked.get(address, 0)} reports are on the books"
           for address in sorted(injector.taken) if booked.get(address, 0) != 1]
    out += [f"{address}: got no answer, and {booked[address]} reports are on the books"
            for address in sorted(injector.unanswered) if booked.get(address, 0) > 1]
    out += [f"{address}: was never handed in, and {count} reports are on the books" for address, count in booked.items()
            if count and address not in injector.taken and address not in injector.unanswered]
    return out
