"""A receiver that keeps the messages that it takes: for tests that look at what left, byte by byte.

It knows as much SMTP as our senders speak to a server that offers nothing: EHLO, MAIL, RCPT, DATA, RSET, QUIT.
"""

import socketserver
import threading

LINE_BYTES_MAX = 100_000
MESSAGES_MAX = 10_000


class Message:
    def __init__(self, mail_from, rcpt_to, data):
        self.mail_from, self.rcpt_to, self.data = mail_from, rcpt_to, data


class _Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink.test ready")
        mail_from, rcpt_to = None, []
        while line := self.rfile.readline(LINE_BYTES_MAX):
            verb, _, rest = line.decode(errors="replace").rstrip("\r\n").partition(" ")
            verb = verb.upper()
            if verb in ("EHLO", "HELO"):
                self.say("250 sink.test")
            elif verb == "MAIL":
                mail_from, rcpt_to = self.path(rest), []
                self.say("250 2.1.0 OK")
            elif verb == "RCPT":
                rcpt_to.append(self.path(rest))
                self.say("250 2.1.5 OK")
            elif verb == "DATA":
                self.say("354 go on")
                data = self.message()
                self.server.keep(Message(mail_from, rcpt_to, data))
                self.say("250 2.0.0 OK")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 OK" if verb == "RSET" else "502 5.5.1 not here")

    @staticmethod
    def path(text):
        return text[text.index("<") + 1:text.index(">")]

    def message(self):
        lines = []
        while line := self.rfile.readline(LINE_BYTES_MAX):
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class MailSink(socketserver.ThreadingTCPServer):
    """with MailSink() as sink: ... sink.port, sink.messages()"""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, address="0.0.0.0"):
        super().__init__((address, 0), _Session)
        self.port = self.server_address[1]
        self._messages, self._lock = [], threading.Lock()

    def keep(self, message):
        with self._lock:
            if len(self._messages) < MESSAGES_MAX:
                self._messages.append(message)

    def messages(self, rcpt_to=None):
        with self._lock:
            return [m for m in self._messages if rcpt_to is None or rcpt_to in m.rcpt_to]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
