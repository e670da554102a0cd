"""Somebody with a browser but without JavaScript: opens pages by their public address, fills forms in, keeps cookies."""

import http.client
import socket
import ssl
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


class Page(HTMLParser):
    """What the server answered: its words, its links, and its forms with the values that they came with."""

    def __init__(self, url, status, body):
        super().__init__()
        self.url, self.status = url, status
        self.words, self.links, self.forms = [], [], []
        self._form = self._text_of = self._select = None
        self._silent = 0
        self.feed(body)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        kind, name = attributes.get("type") or "", attributes.get("name")
        self._silent += tag in ("script", "style")
        if tag == "a":
            self.links.append(urljoin(self.url, attributes.get("href") or ""))
        elif tag == "form":
            self._form = Form(urljoin(self.url, attributes.get("action") or ""))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and name:
            self._form.names.add(name)
            if kind in ("checkbox", "radio") and "checked" not in attributes:
                self._form.boxes.append((name, attributes.get("value") or "on"))
            elif kind != "submit":
                self._form.fields.append((name, attributes.get("value") or ""))
        elif tag == "textarea" and name:
            self._form.names.add(name)
            self._form.fields.append((name, ""))
            self._text_of = self._form
        elif tag == "select" and name:
            self._form.names.add(name)
            self._select = name
        elif tag == "option" and self._select:
            # Of a list without a chosen line the first counts.
            if self._select not in dict(self._form.fields) or "selected" in attributes:
                self._form.fill({self._select: attributes.get("value") or ""})
        elif tag == "button":
            self._form.buttons.append((name, attributes.get("value") or ""))

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style")
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._text_of = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data):
        if self._text_of:
            name, value = self._text_of.fields[-1]
            self._text_of.fields[-1] = (name, value + data.removeprefix("\n") if not value else value + data)
        if not self._silent:
            self.words.append(data)

    def form(self, address, **values):
        """The first form whose address holds that, filled in."""
        for form in self.forms:
            if address in form.action and all(name in form.names for name in values):
                form.fill(values)
                return form
        raise AssertionError(f"{self.url} ({self.status}) has no form for {address} with {sorted(values)}: {self.text}")

    def says(self, words):
        if words not in self.text:
            raise AssertionError(f"{self.url} ({self.status}) does not say {words!r}: {self.text}")
        return self


class Form:
    """A form of a page."""

    def __init__(self, action):
        self.action, self.fields, self.names, self.buttons, self.boxes = action, [], set(), [], []

    def fill(self, values):
        for name, value in values.items():
            self.fields = [field for field in self.fields if field[0] != name] + [(name, value)]

    def ticked(self, name):
        """With every box of that name ticked."""
        self.fields += [box for box in self.boxes if box[0] == name]
        return self

    def pressed_by(self, name, value):
        """Its button with that name and value."""
        if (name, value) not in self.buttons:
            raise AssertionError(f"the form of {self.action} has no button {name}={value}: {self.buttons}")
        self.fields.append((name, value))
        return self


class Visitor:
    """A visitor with cookies of their own, who believes one certificate authority."""

    def __init__(self, authority):
        self._tls = ssl.create_default_context(cafile=authority)
        self._cookies = {}

    def open(self, url):
        return self._ask("GET", url)

    def submit(self, form):
        """Presses a form's button, and goes where that leads."""
        return self._ask("POST", form.action, urlencode(form.fields))

    def _ask(self, method, url, body=None):
        for _ in range(8):
            parts = urlsplit(url)
            connection = http.client.HTTPSConnection(parts.netloc, context=self._tls, timeout=60)
            # Every public name leads to this machine.
            connection._create_connection = lambda address, *rest: socket.create_connection(("127.0.0.1", address[1]), *rest)
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
            if body is not None:
                headers |= {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Origin": f"{parts.scheme}://{parts.netloc}",
                    "Sec-Fetch-Site": "same-origin",
                }
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body, {name: value for name, value in headers.items() if value})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                self._cookies[name] = value
            if not 300 <= answer.status < 400:
                return Page(url, answer.status, text)
            method, body, url = "GET", None, urljoin(url, answer.headers["Location"])
        raise AssertionError(f"too many redirects, the last to {url}")
