"""The world around the magazine's server, on the loopback of a net of our own: a mail service and a DNS server.

Both are threads of this process and end with it.
"""

import base64
import email
import email.policy
import re
import socketserver
import ssl
import struct
import threading
import time


class MailService(socketserver.ThreadingTCPServer):
    """Takes mail on port 587 from whoever signs in, after STARTTLS, and keeps it."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, certificate, key, user, password):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self.sign_in = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.mails = []
        super().__init__(("127.0.0.1", 587), _Conversation)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def to(self, address, subject=""):
        """The mails that came for somebody, the oldest first."""
        return [mail for to, mail in list(self.mails) if to == address and subject in mail["Subject"]]

    def wait_for(self, address, subject, seconds=60):
        """The newest mail with such a subject, once it is there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := self.to(address, subject):
                return found[-1]
            time.sleep(0.1)
        raise AssertionError(f"no mail “{subject}” came for {address}; there are: {[(to, mail['Subject']) for to, mail in self.mails]}")


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        is_known, to = False, []
        self.say("220 mail.example.org ESMTP")
        while line := self.rfile.readline():
            line = line.decode("utf-8", "replace").strip()
            verb = line.split(" ")[0].upper()
            is_safe = isinstance(self.connection, ssl.SSLSocket)
            if verb == "EHLO":
                offers = ["mail.example.org", "8BITMIME", "SMTPUTF8", "AUTH PLAIN" if is_safe else "STARTTLS"]
                for offer in offers[:-1]:
                    self.say(f"250-{offer}")
                self.say(f"250 {offers[-1]}")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                self.setup_again()
            elif verb == "AUTH":
                is_known = line.split(" ")[-1] == self.server.sign_in
                self.say("235 welcome" if is_known else "535 5.7.8 user or password are wrong")
            elif verb in ("NOOP", "RSET"):
                to = []
                self.say("250 yes")
            elif verb == "QUIT":
                self.say("221 good bye")
                return
            elif not is_known:
                self.say("530 5.7.0 sign in first")
            elif verb == "MAIL":
                to = []
                self.say("250 yes")
            elif verb == "RCPT":
                to.append(re.search("<(.*?)>", line)[1])
                self.say("250 yes")
            elif verb == "DATA":
                self.say("354 go on")
                text = b""
                while (piece := self.rfile.readline()) not in (b".\r\n", b""):
                    text += piece.removeprefix(b".")
                mail = email.message_from_bytes(text, policy=email.policy.default)
                self.server.mails += [(address, mail) for address in to]
                self.say("250 2.0.0 taken")
            else:
                self.say("502 5.5.1 no")

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())

    def setup_again(self):
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)


class NameServer(socketserver.ThreadingUDPServer):
    """Answers by a table of (name, type) on port 53; what does not stand there does not exist."""

    daemon_threads = True

    def __init__(self, records):
        self.records = records
        super().__init__(("127.0.0.1", 53), _Question)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Question(socketserver.BaseRequestHandler):
    TYPES = {1: "A", 2: "NS", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}

    def handle(self):
        packet, socket = self.request
        end = packet.index(b"\0", 12) + 5
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode().lower())
            at += 1 + packet[at]
        name, kind = ".".join(labels), struct.unpack(">H", packet[end - 4 : end - 2])[0]
        there = any(known == name for known, _ in self.server.records)
        value = self.server.records.get((name, self.TYPES.get(kind)))
        answer = b""
        if value is not None:
            if kind == 1:
                data = bytes(map(int, value.split(".")))
            elif kind == 16:
                pieces = [value[at : at + 255].encode() for at in range(0, len(value), 255)]
                data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
            else:
                data = _name(value) if kind != 15 else struct.pack(">H", 10) + _name(value)
            answer = struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
        flags = 0x8580 if there else 0x8583
        head = packet[:2] + struct.pack(">HHHHH", flags, 1, bool(answer), 0, 0)
        socket.sendto(head + packet[12:end] + answer, self.client_address)


def _name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
