"""A CRDS server for one test, on this machine: tells sizes and checksums, and hands out files."""

import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from crds.client.proxy import crds_encode


@contextmanager
def serving(files, context):
    """Serve files by name; ``server.cut`` are names of those whose second half does not arrive.

    ``server.asked`` lists the files that were asked for.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.files, server.cut, server.asked = {path.name: path.read_bytes() for path in files}, set(), []
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.info = {
        "observatory": "jwst",
        "operational_context": context,
        "bad_files_list": [],
        "bad_files": "",
        "last_synced": "",
        "crds_version": {"str": "14.0.3"},
        "force_remote_mode": False,
        **{f"{kind}_url": {"jwst": f"{server.url}/"} for kind in ("reference", "mapping")},
        "download_metadata": crds_encode({name: known(content) for name, content in server.files.items()}),
    }
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def known(content):
    """Size and checksum, as CRDS tells them."""
    return {"size": str(len(content)), "sha1sum": hashlib.sha1(content).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["method"] == "get_server_info"
        error = None if known else {"message": f"unknown {asked['method']}"}
        answer = {"error": error, "result": self.server.info, "id": asked["id"]}
        self._send(json.dumps(answer).encode())

    def do_GET(self):
        name = self.path.strip("/")
        self.server.asked.append(name)
        content = self.server.files[name]
        self._send(content, content[: len(content) // 2] if name in self.server.cut else content)

    def _send(self, content, part=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if part is None else part)

    def log_message(self, *args):
        pass
