"""What is typed and pressed, in order."""

import re
import shutil
import subprocess
import time

from bare_debian import Host
from docs import Docs
from services import MailService, NameServer
from visitor import Visitor

OLD, NEW, MAIL = "news.example.org", "letters.example.net", "mail.example.org"
AS_BROADSIDE = "runuser -u broadside -- broadside --settings /etc/broadside/env"
OWNER = {"name": "Olive Owner", "email": "olive@example.com", "password": "a lamp for every street"}
READERS = ["ann@example.com", "bea@example.net", "cem@example.org"]
# Embedded in what goes out; read from files by what developers build.
PAGES = ["src/web/pages", "src/web/static", "email_templates"]
RECORDS = {
    (OLD, "A"): "127.0.0.1",
    (NEW, "A"): "127.0.0.1",
    (MAIL, "A"): "127.0.0.1",
    ("1.0.0.127.in-addr.arpa", "PTR"): MAIL,
    # Nobody can subscribe at a domain that takes no mail.
    **{(address.split("@")[1], "MX"): MAIL for address in READERS},
    ("example.org", "TXT"): "v=spf1 ip4:127.0.0.1 -all",
    ("_dmarc.example.org", "TXT"): "v=DMARC1; p=quarantine",
}


class Journey:
    def __init__(self, project, folder, archive, package):
        self.project = project
        self.folder, self.archive, self.package = folder, archive, package
        self.docs = Docs(project / "docs/operations.md")
        self.hosts = []
        self.authority = self.certificate()
        self.mail = MailService(self.folder / "server.pem", self.folder / "server.key", "user", "password")
        NameServer(RECORDS)

    def go(self):
        self.named("cargo install cargo-deb --locked", "whoever built the package did")
        self.named("cargo deb --strip", "whoever built the package did")
        self.host = self.bare_host()
        self.install()
        self.first_start()
        self.proxy()
        self.set_up()
        self.signing()
        self.first_edition()
        self.backup_and_restore()
        self.another_machine()
        self.another_address()
        self.update()
        self.removal()
        self.docs.all_done()

    def install(self):
        self.typed("apt install ./broadside_*.deb")
        self.check(self.host.path("/etc/broadside/env").stat().st_mode & 0o777 == 0o640, "the settings are for root and broadside alone")
        self.fill_in({"BASE_URL": f"https://{OLD}", "SMTP_URL": f"smtp://user:password@{MAIL}:587?tls=required"})
        # Ours is no public authority; the documentation names this setting for a mail service of one's own.
        self.fill_in({"MAIL_CA_FILE": "/usr/local/share/ca-certificates/ours.crt"})

    def first_start(self):
        self.systemctl("systemctl enable --now broadside")
        self.named("journalctl -u broadside", "there is no journal; what the unit wrote is read instead")
        self.set_up_path = self.wait_for_log(r"/set-up/\S+")
        said = self.typed(f"{AS_BROADSIDE} doctor", fails=1)
        self.check("public address" in said and "ok       database" in said, "the doctor says that the proxy is missing, and nothing of the database")

    def proxy(self):
        self.typed("apt install nginx")
        self.site(OLD)
        self.typed("nginx -t")
        self.systemctl("systemctl reload nginx")

    def set_up(self):
        self.owner = Visitor(self.authority)
        page = self.owner.open(f"https://{OLD}{self.set_up_path}")
        form = page.form(
            "/set-up/",
            magazine_name="The Lamplighter",
            legal_name="Lamplighter Association",
            postal_address="1 Lantern Row\n12345 Lampton",
            contact_email="letters@example.org",
            **OWNER,
        )
        self.owner.submit(form).says("Overview")
        self.pressed("the set-up page makes the first owner")
        self.home = f"https://{OLD}"
        self.check(self.owner.open(page.url).status == 404, "the set-up page is closed for good")

    def signing(self):
        said = self.typed(f"{AS_BROADSIDE} dkim new")
        name, key, value = re.search(r"((\S+)\._domainkey\.example\.org)\S*\s.*?(v=DKIM1[^\n]*)", said, re.S).groups()
        RECORDS[name, "TXT"] = re.sub(r'"\s*"|"', "", value)
        print(f"(into the DNS: {name})")
        self.typed(f"{AS_BROADSIDE} dkim activate b202611", instead=key)

    def first_edition(self):
        for reader in READERS[:2]:
            self.subscribe(reader)
        page = self.owner.open(f"https://{OLD}/desk/articles/new")
        form = page.form("/desk/articles", title="Ladders for everyone", body_markdown="Who lights the lamps needs a ladder.")
        self.owner.submit(form.pressed_by("act", "publish"))
        self.pressed("an article is written and published")
        self.send("The first edition", READERS[:2])
        said = self.typed(f"{AS_BROADSIDE} doctor")
        self.check("ok       public address" in said and "problem" not in said, "the doctor finds no problem any more")
        self.typed(f"{AS_BROADSIDE} audit")
        said = self.typed(f"{AS_BROADSIDE} jobs")
        self.check("BROKEN" not in said and "OVER" not in said, "everything that runs by itself works")

    def backup_and_restore(self):
        self.typed("install -d -m 700 -o broadside -g broadside /backup")
        address = self.press_send("The second edition")
        backup = self.backup(f"{AS_BROADSIDE} backup /backup --keep 14")
        self.subscribe(READERS[2])
        self.systemctl("systemctl stop broadside")
        said = self.typed(f"{AS_BROADSIDE} restore --replace /backup/broadside-{OLD}-20261128T030000Z.db", instead=backup)
        self.check("The second edition" in said, "the restore says that the edition is held")
        self.systemctl("systemctl start broadside")
        self.sign_in(OLD)
        self.release(address, "The second edition", READERS[:2])
        self.check(not self.mail.to(READERS[2], "The second edition"), "who joined after the backup is not in it")
        self.again(f"{AS_BROADSIDE} audit")

    def another_machine(self):
        address = self.press_send("The third edition")
        self.systemctl("systemctl disable --now broadside")
        backup = self.backup(f"{AS_BROADSIDE} backup /backup")
        old, self.host = self.host, self.bare_host()
        old.type("nginx -s stop")
        for line in ("apt install ./broadside_*.deb", "apt install nginx"):
            self.again(line)
        self.site(OLD)
        self.again("nginx -t")
        self.again("systemctl reload nginx")
        self.scp("scp old.example.org:/etc/broadside/env /etc/broadside/env", old, "/etc/broadside/env", "/etc/broadside/env")
        self.typed("install -d -m 700 -o broadside -g broadside /backup")
        name = f"/backup/broadside-{OLD}-20261128T040000Z.db"
        self.scp(f"scp old.example.org:{name} /backup/", old, backup, backup)
        journal = "/var/lib/broadside/withdrawals.journal"
        self.scp(f"scp old.example.org:{journal} {journal}", old, journal, journal)
        self.typed(f"chown broadside:broadside {name} {journal}", instead=backup)
        self.typed(f"{AS_BROADSIDE} restore {name}", instead=backup)
        self.systemctl("systemctl enable --now broadside")
        self.sign_in(OLD)
        self.release(address, "The third edition", READERS[:2])
        self.again(f"{AS_BROADSIDE} audit")
        self.again(f"{AS_BROADSIDE} doctor", "ok       public address")

    def another_address(self):
        self.fill_in({"BASE_URL": f"https://{NEW}"})
        self.site(f"{OLD} {NEW}")
        self.again("systemctl reload nginx")
        self.systemctl("systemctl restart broadside")
        self.typed(f"{AS_BROADSIDE} settings confirm-address")
        self.sign_in(NEW)
        self.send("The fourth edition", READERS[:2])
        text = self.text(self.mail.to(READERS[0], "The fourth edition")[-1])
        self.check(f"https://{NEW}/" in text and OLD not in text, "links in new mails lead to the new name")
        mail = self.mail.to(READERS[0], "The first edition")[-1]
        link = re.search(r"<(https://\S+)>", mail["List-Unsubscribe"])[1]
        self.check(link.startswith(f"https://{OLD}/") and Visitor(self.authority).open(link).status == 200, "links in old mails still open under the old name")

    def update(self):
        self.newer_package()
        self.typed("apt install ./broadside_*.deb")
        self.again("systemctl restart broadside")
        self.check("0.1.0-2" in self.host.type("dpkg-query -W broadside")[0], "the newer package is there")
        self.sign_in(NEW)
        self.owner.open(f"https://{NEW}/desk/editions").says("The fourth edition")

    def removal(self):
        settings = self.host.path("/etc/broadside/env").read_text()
        self.again("systemctl stop broadside")
        self.typed("apt remove broadside")
        self.check("are kept" in self.run("apt purge broadside"), "purging says what it leaves")
        self.check(self.host.path("/etc/broadside/env").read_text() == settings, "the settings stay")
        self.check(self.host.path("/var/lib/broadside/broadside.db").exists(), "the data stays")
        self.check(not self.host.path("/usr/bin/broadside").exists(), "the program is gone")
        self.again("apt install ./broadside_*.deb")
        self.again("systemctl start broadside")
        self.owner.open(f"https://{NEW}/desk/editions").says("The fourth edition")
        self.pressed("installed anew, it goes on with what stayed")
        self.again("systemctl stop broadside")

    # What a volunteer does at the desk.

    def sign_in(self, name):
        self.owner = Visitor(self.authority)
        form = self.owner.open(f"https://{name}/desk/sign-in").form("/desk/sign-in", email=OWNER["email"], password=OWNER["password"])
        self.owner.submit(form).says("Overview")
        self.home = f"https://{name}"

    def subscribe(self, address):
        reader = Visitor(self.authority)
        form = reader.open(f"https://{OLD}/subscribe").form("/subscribe", email=address).ticked("consent")
        # Whoever sends a form back in a moment is taken for a program.
        time.sleep(3)
        reader.submit(form).says("Check your mail")
        text = self.text(self.mail.wait_for(address, "Please confirm"))
        page = reader.open(re.search(r"https://\S+/confirm/[^\s>)]+", text)[0])
        reader.submit(page.form("/confirm/")).says("You are on the list")
        self.pressed(f"{address} subscribes by the form and confirms by the mail")

    def press_send(self, subject):
        """Writes an edition and presses Send; its address. For a minute it can be undone."""
        begun = self.owner.submit(self.owner.open(f"{self.home}/desk/editions").form("/desk/editions"))
        form = begun.form("/desk/editions/", subject=subject, intro="Dear all.").ticked("add")
        self.owner.submit(form.pressed_by("act", "add")).says("Ready to send")
        page = self.owner.open(f"{begun.url}/send")
        self.owner.submit(page.form("/send", later="").pressed_by("act", "now")).says("Goes out in")
        self.pressed(f"“{subject}” is written, and Send pressed")
        return begun.url

    def send(self, subject, readers):
        self.everybody_got_it(self.press_send(subject), subject, readers)

    def release(self, address, subject, readers):
        self.check(not self.mail.to(readers[0], subject), f"“{subject}” waits for somebody who looks")
        page = self.owner.open(address).says("Held back")
        self.owner.submit(page.form("/resume"))
        self.pressed(f"“{subject}” is let go on")
        self.everybody_got_it(address, subject, readers)

    def everybody_got_it(self, address, subject, readers):
        for reader in readers:
            self.mail.wait_for(reader, subject, seconds=150)
        until = time.monotonic() + 30
        while "Sent" not in (page := self.owner.open(address)).text and time.monotonic() < until:
            time.sleep(0.5)
        page.says(f"{len(readers)} readers = {len(readers)} taken")
        self.check(all(len(self.mail.to(reader, subject)) == 1 for reader in READERS if reader in readers), f"“{subject}” came once to each of {len(readers)} readers, and the desk says so")

    # What is typed.

    def typed(self, line, fails=0, instead=None):
        """Types the next line of the documentation. Where it names a backup or a key of that month, we have one of today."""
        self.docs.next(line)
        if instead:
            line = re.sub(r"/backup/broadside-\S+\.db|b20\d{4}", instead, line)
        return self.run(line, fails)

    def again(self, line, says=""):
        """Types a line that stands anywhere in the documentation once more."""
        if line not in self.docs.lines:
            raise AssertionError(f"the documentation does not have: {line}")
        said = self.systemd(line) if line.startswith("systemctl") else self.run(line)
        if says:
            self.check(says in said, f"it says “{says}”")

    def named(self, line, why):
        self.docs.next(line)
        print(f"# {line}\n    not typed: {why}", flush=True)

    def systemctl(self, line):
        self.docs.next(line)
        self.systemd(line)

    def scp(self, line, old, source, target):
        self.named(line, "there is no way by ssh from folder to folder; the file is copied")
        shutil.copyfile(old.path(source), self.host.path(target))

    def run(self, line, fails=0, instead=None):
        print(f"# {line}", flush=True)
        said, status = self.host.type(instead or line)
        shown = said.strip().splitlines()
        for row in shown if len(shown) < 40 else [*shown[:4], f"… {len(shown) - 8} lines …", *shown[-4:]]:
            print(f"    {row}")
        if status != fails:
            raise AssertionError(f"{line} ended with {status}:\n{said}")
        return said

    def systemd(self, line):
        """Does what systemd would do."""
        verb, unit = line.split()[1], line.split()[-1]
        if verb in ("enable", "disable"):
            self.run(line, instead=line.replace(" --now", ""))
        else:
            print(f"# {line}")
        if unit == "nginx":
            said, status = self.host.type("if [ -s /run/nginx.pid ]; then nginx -s reload; else nginx; fi")
            self.check(status == 0, f"for systemd: nginx runs {said}")
            return said
        said = ""
        if verb in ("stop", "disable", "restart"):
            said = self.host.stop(unit)
            print(f"    for systemd: {said}")
            self.check("ended with 0" in said, "it ended well")
        if verb in ("start", "enable", "restart"):
            self.host.start(unit)
            self.wait_for_log("Broadside is running on")
            print("    for systemd: the command of the unit runs, as its user")
        return said

    # What a volunteer does in files, and by hand.

    def bare_host(self):
        host = Host(self.folder / f"host{len(self.hosts)}", self.archive, [OLD, NEW, MAIL])
        self.hosts.append(host)
        if self.is_a_developers():
            print("(the program is built for developers and reads its pages from the project's folder: they are copied)")
            for folder in PAGES:
                host.copy(self.project / folder)
        shutil.copy(self.package, host.path("/root/broadside_0.1.0-1_amd64.deb"))
        host.path("/usr/local/share/ca-certificates").mkdir(exist_ok=True)
        shutil.copy(self.authority, host.path("/usr/local/share/ca-certificates/ours.crt"))
        return host

    def fill_in(self, settings):
        file = self.host.path("/etc/broadside/env")
        text = file.read_text()
        for name, value in settings.items():
            text = re.sub(rf"^#?{name}=.*\n", "", text, flags=re.M) + f"{name}={value}\n"
        file.write_text(text)
        print(f"(into /etc/broadside/env: {', '.join(f'{name}={value}' for name, value in settings.items())})")

    def site(self, names):
        """The proxy's settings as the documentation prints them, for these names."""
        text = self.docs.block("nginx", "proxy_pass").replace(f"server_name {OLD}", f"server_name {names}")
        self.host.path("/etc/nginx/conf.d/broadside.conf").write_text(text)
        [certificates] = set(re.findall(r"(/etc/letsencrypt/\S+)/", text))
        folder = self.host.path(certificates)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.folder / "server.pem", folder / "fullchain.pem")
        shutil.copy(self.folder / "server.key", folder / "privkey.pem")
        self.host.type("update-ca-certificates")
        print(f"(into /etc/nginx/conf.d/broadside.conf: the block above, for {names})")

    def certificate(self):
        """An authority of our own, and a certificate of it for every name."""
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

        names = ",".join(f"DNS:{name}" for name in (OLD, NEW, MAIL))
        (self.folder / "names").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=Ours", "-keyout", "ca.key", "-out", "ca.pem")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={OLD}", "-keyout", "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "90", "-extfile", "names", "-out", "server.pem")
        return self.folder / "ca.pem"

    def backup(self, line):
        return re.match(r"(/backup/\S+): ", self.typed(line))[1]

    def is_a_developers(self):
        """Whether the program in the package was built without optimisation: such a one has its pages in files."""
        self.unpacked = self.folder / "package"
        if not self.unpacked.exists():
            subprocess.run(["dpkg-deb", "-R", self.package, self.unpacked], check=True)
        return f"{self.project}/src/web/pages".encode() in (self.unpacked / "usr/bin/broadside").read_bytes()

    def newer_package(self):
        """The same package under a higher number."""
        unpacked = self.unpacked
        control = unpacked / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", "Version: 0.1.0-2", control.read_text(), flags=re.M))
        self.host.path("/root/broadside_0.1.0-1_amd64.deb").unlink()
        newer = self.host.path("/root/broadside_0.1.0-2_amd64.deb")
        subprocess.run(["dpkg-deb", "-Znone", "-b", unpacked, newer], check=True, stdout=subprocess.DEVNULL)

    # What is looked at.

    def wait_for_log(self, pattern, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := re.search(pattern, self.host.log("broadside")):
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"the log does not say {pattern}")

    def check(self, holds, words):
        if not holds:
            raise AssertionError(f"it does not hold: {words}")
        print(f"    holds: {words}", flush=True)

    def pressed(self, words):
        print(f"(in the browser: {words})", flush=True)

    def show_logs(self):
        for host in self.hosts:
            for log in host.path("/var/log").glob("*.stderr"):
                print(f"---- {log}\n{log.read_text()[-6000:]}")

    def leave(self):
        for host in self.hosts:
            host.leave()

    @staticmethod
    def text(mail):
        return mail.get_body(("plain",)).get_content()
