"""Private real servers for the tests: Redis and PostgreSQL.

They live in a temporary folder, listen where nobody else does, and may be
killed and started again by a test (their data stays).
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess

import psycopg2
import redis

from processes import alive, descendants, free_port, kill_tree, wait_for


def unprivileged():
    """Popen arguments that drop root's rights, which PostgreSQL insists on."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("neither the user postgres nor nobody exists")


class Server:
    """A process in the folder `path`, with its output in `path`/log."""

    def __init__(self, path):
        self.path = path
        self.process = None
        self.env = {}  # besides our own
        self.owner = unprivileged()
        os.makedirs(path, mode=0o700)
        if self.owner:
            os.chown(path, self.owner["user"], self.owner["group"])

    def run(self, argv):
        with open(os.path.join(self.path, "log"), "ab") as log:
            self.process = subprocess.Popen(
                argv, cwd=self.path, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
                env={**os.environ, **self.env}, **self.owner)
        wait_for(self.answers, 30, f"{argv[0]} to answer")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args[0]} ended:\n{self.log()}")
        return self.ping()

    def log(self):
        with open(os.path.join(self.path, "log"), errors="replace") as f:
            return f.read()

    def stop(self, signo=signal.SIGTERM):
        """SIGKILL ends all its processes, as a crash of the machine would."""
        if not self.process:
            return
        below = descendants(self.process.pid)
        if signo == signal.SIGKILL:
            kill_tree(self.process.pid)
        else:
            self.process.send_signal(signo)
        self.process.wait(90)
        self.process = None
        # PostgreSQL does not start while a back-end holds its shared memory
        wait_for(lambda: not any(alive(pid) for pid in below), 30,
                 "its processes to end")

    def kill(self):
        self.stop(signal.SIGKILL)


class RedisServer(Server):
    def __init__(self, path):
        super().__init__(path)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)

    def start(self):
        self.run(["redis-server", "--port", str(self.port),
                  "--bind", "127.0.0.1", "--dir", self.path,
                  "--appendonly", "yes", "--appendfsync", "always",
                  "--maxmemory-policy", "noeviction", "--save", ""])

    def ping(self):
        try:
            return self.client.ping()
        except redis.RedisError:  # not there yet, or still loading
            return False


class PostgresServer(Server):
    """Reached through a unix socket; every database belongs to `shotfleet`."""

    def __init__(self, path):
        super().__init__(path)
        self.data = os.path.join(path, "data")

    def url(self, database):
        return f"postgresql://shotfleet@/{database}?host={self.path}"

    def start(self):
        folder = bin_folder()
        if not os.path.exists(self.data):
            subprocess.run(
                [f"{folder}/initdb", "-D", self.data, "-U", "shotfleet",
                 "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                 "--no-sync"],
                check=True, cwd=self.path, stdout=subprocess.DEVNULL,
                **self.owner)
        # Without fsync a crash of the server loses nothing, only one of the
        # machine does.
        self.run([f"{folder}/postgres", "-D", self.data,
                  "-c", "listen_addresses=", "-c", "fsync=off",
                  "-c", f"unix_socket_directories={self.path}",
                  "-c", "log_min_messages=warning"])

    def ping(self):
        try:
            psycopg2.connect(self.url("postgres")).close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self, signo=signal.SIGINT):  # fast shutdown
        super().stop(signo)

    def create(self, database):
        self._execute(f'create database "{database}"')

    def drop(self, database):
        self._execute(f'drop database if exists "{database}" with (force)')

    def _execute(self, statement):
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()


def bin_folder():
    """Where Debian keeps PostgreSQL's server programs; newest version."""
    folders = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if folders:
        newest = max(folders, key=lambda path: float(path.split("/")[4]))
        return os.path.dirname(newest)
    found = shutil.which("postgres")
    if not found:
        raise RuntimeError("PostgreSQL's server is not installed")
    return os.path.dirname(found)


class TlsServer(Server):
    """nginx with the files below `path`/files: HTTP/2 at `url`, HTTP/1.1 over TLS
    at `url_1`, both with the certificate `ca_file`, which nobody trusts yet, and
    HTTP/1.1 without TLS at `plain_url`."""

    CONFIGURATION = """
        daemon off;
        user {user};
        pid {path}/pid;
        error_log stderr;
        events {{}}
        http {{
            log_format asked '$server_protocol $connection $request_uri $http_authorization';
            access_log {path}/asked asked;
            types {{ image/png png; }}
            client_body_temp_path {path}/body;
            fastcgi_temp_path {path}/fastcgi;
            proxy_temp_path {path}/proxy;
            scgi_temp_path {path}/scgi;
            uwsgi_temp_path {path}/uwsgi;
            root {path}/files;
            ssl_certificate {path}/certificate.pem;
            ssl_certificate_key {path}/key.pem;
            server {{ listen 127.0.0.1:{port} ssl http2; }}
            server {{ listen 127.0.0.1:{port_1} ssl; }}
            server {{ listen 127.0.0.1:{plain_port}; }}
        }}"""

    def __init__(self, path):
        super().__init__(path)
        self.owner = {}
        self.user = pwd.getpwuid(os.geteuid()).pw_name  # may read the folder
        self.port, self.port_1, self.plain_port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.url_1 = f"https://127.0.0.1:{self.port_1}"
        self.plain_url = f"http://127.0.0.1:{self.plain_port}"
        self.ca_file = os.path.join(path, "certificate.pem")
        os.mkdir(os.path.join(path, "files"), 0o755)

    def start(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
             "-addext", "subjectAltName=IP:127.0.0.1", "-out", self.ca_file,
             "-keyout", os.path.join(self.path, "key.pem")],
            check=True, capture_output=True)
        with open(os.path.join(self.path, "nginx.conf"), "w") as f:
            f.write(self.CONFIGURATION.format(**vars(self)))
        self.run(["/usr/sbin/nginx", "-e", "stderr", "-c", f"{self.path}/nginx.conf"])

    def ping(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.plain_port)) == 0

    def put(self, name, data):
        path = os.path.join(self.path, "files", name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o644)

    def asked(self):
        """(protocol, number of the connection, path, key) of each request."""
        with open(os.path.join(self.path, "asked")) as f:
            return [tuple(line.split()) for line in f]
