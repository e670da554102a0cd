"""A bare Debian of the machine's own release in a folder, and what is typed in it.

The folder is unpacked from an archive in the cache, which is made once, with the net. What runs in it runs without: its packages
were fetched when the archive was made.
"""

import hashlib
import http.client
import os
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

# A server has these; `minbase` does not.
OF_A_SERVER = ["systemd"]
# What the documentation has a volunteer install, and what our package depends on.
FETCHED = ["nginx", "openssl", "ca-certificates", "libgcc-s1"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unable(RuntimeError):
    """It cannot be made, and that lies with the machine: a right or the net is missing."""


def archive_in(cache):
    """Where the archive with a bare Debian is, or will be."""
    recipe = hashlib.sha256(repr((OF_A_SERVER, FETCHED)).encode()).hexdigest()[:12]
    return cache / f"bare-debian-{_release()}-{recipe}.tar"


def make(folder, tar):
    """Makes the bare Debian in the folder, and its archive. For mounts and a process tree of our own: debootstrap mounts into it."""
    folder.mkdir()
    null = folder / "null"
    try:
        # Some machines let root make no devices, and some make them but let nobody open them.
        os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        null.write_bytes(b"\0")
        null.unlink()
    except OSError as error:
        raise Unable(f"root may have no devices here: {error}") from error
    fetching = _fetching()
    proxies = {k: v for k, v in os.environ.items() if k.lower() in ("http_proxy", "https_proxy", "no_proxy")}
    for scheme, proxy in re.findall(r'^Acquire::(https?)::Proxy "(.+)";$', fetching, re.M):
        if proxy != "DIRECT":
            proxies[f"{scheme}_proxy"] = proxy
    os.environ.update(proxies)
    mirror = _mirror()
    try:
        _quietly("debootstrap", "--variant=minbase", _release(), folder, mirror)
        inside = ["env", "-i", f"PATH={PATH}", "DEBIAN_FRONTEND=noninteractive", *(f"{k}={v}" for k, v in proxies.items()), "chroot", folder]
        (folder / "etc/apt/apt.conf.d/say-yes").write_text('APT::Get::Assume-Yes "true";\n')
        of_the_host = folder / "etc/apt/apt.conf.d/of-the-host"
        of_the_host.write_text(fetching)
        (folder / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
        for line in (["update"], ["install", *OF_A_SERVER], ["install", "--download-only", *FETCHED]):
            _quietly(*inside, "apt-get", *line)
        of_the_host.unlink()
        _quietly("tar", "--numeric-owner", "-C", folder, "-cf", tar, ".")
    except RuntimeError as error:
        if re.search("Operation not permitted|No space left on device", str(error)):
            raise Unable(str(error)) from error
        # A net that went away in between is the machine's; a mirror that answers leaves the fault with us.
        _reach(mirror)
        raise


def _release():
    return re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)[1]


def _mirror():
    """The first from which the machine's own apt has Debian itself, and neither its security archive nor somebody else's packages."""
    apt = Path("/etc/apt")
    uris = []
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if file.exists() and file.suffix in (".list", ".sources"):
            pattern = r"^URIs:\s*(https?://\S+)" if file.suffix == ".sources" else r"^deb\s+(?:\[.*?\]\s+)?(https?://\S+)"
            uris += [uri.rstrip("/") for uri in re.findall(pattern, file.read_text(), re.M)]
    whys = []
    for uri in dict.fromkeys([*uris, "http://deb.debian.org/debian"]):
        try:
            if re.search(r"^Label: Debian$", _reach(uri), re.M):
                return uri
        except Unable as error:
            whys.append(str(error))
    raise Unable("; ".join(whys))


def _fetching():
    """How the machine's apt fetches: proxies, certificates, dates. Not its hooks and caches, which call for programs of the machine's."""
    dumped = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return "".join(re.findall(r'^Acquire::(?:https?|Check|Retries|AllowInsecure|ForceIPv)\S* ".+";\n', dumped, re.M))


def _reach(mirror):
    try:
        with urllib.request.urlopen(f"{mirror}/dists/{_release()}/Release", timeout=30) as answer:
            return answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unable(f"Debian cannot be reached at {mirror}: {error}") from error


def _quietly(*command):
    """Runs it to its end; what it says is of interest only if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}")


class Host:
    """One machine. Its processes live in the namespaces of whoever made it, and end with them."""

    def __init__(self, folder, made_from, hosts):
        self.root, self.running = Path(folder), {}
        self.root.mkdir()
        subprocess.run(["tar", "--numeric-owner", "-C", self.root, "-xf", made_from], check=True)
        (self.root / "etc/machine-id").write_text(secrets.token_hex(16) + "\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {' '.join(hosts)}\n")
        (self.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        for kind, where in (("proc", "proc"), ("devpts", "dev/pts"), ("tmpfs", "run"), ("tmpfs", "tmp")):
            subprocess.run(["mount", "-t", kind, kind, self.root / where], check=True)
        os.chmod(self.root / "tmp", 0o1777)

    def copy(self, folder):
        """A folder of ours at the same place, for everybody to read."""
        shutil.copytree(folder, self.path(str(folder)))
        subprocess.run(["chmod", "-R", "a+rX", self.path(folder.parts[1])], check=True)

    def type(self, line):
        """Types a line as root, in root's home; what was printed, and how it ended."""
        typed = self._inside(["bash", "-c", line])
        done = subprocess.run(typed, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout, done.returncode

    def path(self, path):
        """A path of this machine as we see it."""
        return self.root / path.lstrip("/")

    def start(self, unit):
        """What systemd does for a unit: its command as its user, with its environment, in its folder, under its umask."""
        about = self._unit(unit)
        settings = {}
        for file in about.get("EnvironmentFile", []):
            text = self.path(file.lstrip("-")).read_text()
            settings |= dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
        log = self.path(f"/var/log/{unit}.stderr").open("ab")
        self.since = log.tell()
        program = ["setpriv", "--reuid", about["User"][-1], "--regid", about["Group"][-1], "--clear-groups", "--no-new-privs"]
        if about.get("CapabilityBoundingSet", ["~"])[-1] == "":
            program += ["--bounding-set=-all", "--inh-caps=-all"]
        script = f"cd {shlex.quote(about['WorkingDirectory'][-1])} && umask {about['UMask'][-1]} && exec {shlex.join(program)} {about['ExecStart'][-1]}"
        command = self._inside(["bash", "-c", script], settings)
        self.running[unit] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, unit):
        """As systemd does: SIGTERM, and as long as the unit allows."""
        process = self.running.pop(unit)
        process.terminate()
        begun = time.monotonic()
        status = process.wait(timeout=int(self._unit(unit)["TimeoutStopSec"][-1]))
        return f"{unit} ended with {status} after {time.monotonic() - begun:.1f} s"

    def log(self, unit):
        """What it said since it was started last."""
        return self.path(f"/var/log/{unit}.stderr").read_text()[self.since :]

    def leave(self):
        """Ends what runs here, and lets go of the folder."""
        for unit in list(self.running):
            self.stop(unit)

    def _unit(self, unit):
        about = {}
        for place in ("usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system"):
            for file in [self.root / place / f"{unit}.service", *(self.root / place).glob(f"{unit}.service.d/*.conf")]:
                for name, value in re.findall(r"^(\w+)=(.*)$", file.read_text() if file.exists() else "", re.M):
                    about.setdefault(name, []).append(value)
        return about

    def _inside(self, command, settings={}):
        environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"} | settings
        pairs = [f"{name}={value}" for name, value in environment.items()]
        return ["chroot", self.root, "env", "-i", "-C", environment["HOME"], *pairs, *command]
