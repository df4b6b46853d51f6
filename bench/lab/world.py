"""Private servers for one measurement; nothing of it is left afterwards.

    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        lab.stack.start("worker")
        nginx = lab.serve("nginx", ["nginx", "-c", …], port)
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import harness
import servers
from lab import ROOT
from processes import adopt_orphans, descendants, kill_tree, wait_for

PEERS = os.path.join(ROOT, "bench", "peers")


class DurableRedis(servers.RedisServer):
    """As shipped: appendfsync always.  Without rewriting the file, whose time
    would fall on whoever is measured just then."""

    def start(self):
        self.run(["redis-server", "--port", str(self.port),
                  "--bind", "127.0.0.1", "--dir", self.path,
                  "--appendonly", "yes", "--appendfsync", "always",
                  "--auto-aof-rewrite-percentage", "0",
                  "--maxmemory-policy", "noeviction", "--save", ""])


class DurablePostgres(servers.PostgresServer):
    """As it comes: fsync on, synchronous_commit on.  And it notes when each
    transaction was committed, so that one can ask how long a result took."""

    def start(self):
        folder = servers.bin_folder()
        if not os.path.exists(self.data):
            subprocess.run(
                [f"{folder}/initdb", "-D", self.data, "-U", "shotfleet",
                 "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"],
                check=True, cwd=self.path, stdout=subprocess.DEVNULL,
                **self.owner)
        self.run([f"{folder}/postgres", "-D", self.data,
                  "-c", "listen_addresses=", "-c", "track_commit_timestamp=on",
                  "-c", f"unix_socket_directories={self.path}",
                  "-c", "log_min_messages=warning"])


class Peer(servers.Server):
    """Any other server, run as whoever runs the benchmark."""

    def __init__(self, path, port):
        super().__init__(path)
        self.owner = {}
        self.port = port

    def ping(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


class Lab:
    def __init__(self):
        check_programs()
        adopt_orphans()
        # SIGTERM cleans up as Ctrl-C does
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        # short, because a unix socket's path may have 107 bytes; open, because
        # PostgreSQL runs as another user when root measures
        self.folder = tempfile.mkdtemp(prefix="shotfleet-bench-", dir="/tmp")
        os.chmod(self.folder, 0o711)
        self.redis = DurableRedis(f"{self.folder}/redis")
        self.postgres = DurablePostgres(f"{self.folder}/pg")
        self.peers = []
        self.stack = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            for name in list(self.stack.programs) if self.stack else []:
                self._stop_program(name)
            for server in [*self.peers, self.redis, self.postgres]:
                server.stop()
        finally:
            for pid in descendants(os.getpid()):
                kill_tree(pid)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _stop_program(self, name):
        try:
            self.stack.stop(name)
        except AssertionError as error:  # killed in the end
            print(f"while stopping: {error}", file=sys.stderr)

    def start_redis(self):
        self.redis.start()
        self.stack = self._new_stack()

    def start_postgres(self):
        """With the schema, in the stack's database."""
        self.postgres.start()
        self.stack.set_up()

    def another_stack(self):
        """One on a database of its own."""
        stack = self._new_stack()
        stack.set_up()
        return stack

    def _new_stack(self):
        folder = tempfile.mkdtemp(prefix="stack-", dir=self.folder)
        stack = harness.Stack(folder, self.redis, self.postgres)
        stack.env["SHOTFLEET_LOG_LEVEL"] = "warning"
        # no worker is behind ingest while it is measured
        stack.env["SHOTFLEET_STREAM_MAX_LENGTH"] = "0"
        stack.env["SHOTFLEET_STREAM_MAX_AGE_S"] = "0"
        return stack

    def file(self, name, text, mode="w"):
        path = os.path.join(self.folder, name)
        with open(path, mode) as f:
            f.write(text)
        return path

    def serve(self, name, argv, port):
        """Starts another server and waits until its port answers."""
        peer = Peer(os.path.join(self.folder, name), port)
        self.peers.append(peer)
        peer.run(argv)
        return peer

    def nginx(self, name, port, server):
        """`server` is the inside of nginx's server block.  One worker, no log:
        as fast as it gets."""
        folder = os.path.join(self.folder, name)
        temporary = "\n".join(f"{kind}_temp_path {folder};" for kind in
                              ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.file(f"{name}.conf", f"""
            daemon off; worker_processes 1; pid {folder}/pid;
            user {user_name()};
            error_log {folder}/log warn;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; {temporary}
                sendfile on; tcp_nodelay on;
                keepalive_requests 1000000000; keepalive_timeout 600s;
                server {{ listen 127.0.0.1:{port} backlog=1024; {server} }}
            }}""")
        return self.serve(name, [program("nginx"), "-p", folder, "-c", conf], port)


def user_name():
    import pwd
    return pwd.getpwuid(os.geteuid()).pw_name


def program(name):
    """Its path; /usr/sbin is not in everybody's PATH."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        sys.exit(f"could not find {name}: install it, as root: "
                 "scripts/install bench")
    return found


def check_programs():
    ingest = os.path.join(harness.BIN, "shotfleet-ingest")
    if not os.path.exists(ingest):
        sys.exit(f"could not find {ingest}: build it with cmake --preset "
                 "release && cmake --build --preset release, or say where it "
                 "is with SHOTFLEET_BIN")
    with open(ingest, "rb") as f:
        if b"__asan_init" in f.read():
            sys.exit(f"{ingest} was built with sanitizers, which are slow: "
                     "measure the preset release")


def check_peers():
    """The npm packages that bench/peers needs; prints what to do if absent."""
    program("node")
    if not os.path.exists(os.path.join(PEERS, "node_modules", "bullmq")):
        sys.exit(f"could not find bullmq: npm ci --prefix {PEERS}")
