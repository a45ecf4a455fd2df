"""A server of MTA-STS policies (RFC 8461 section 3.3) on loopback."""

import http.server
import ssl
import threading

from receiver import free_port

PATH = "/.well-known/mta-sts.txt"


class PolicyServer:
    """Serves one policy text over HTTPS with the given certificate; counts who asks."""

    def __init__(self, address, chain, mode, mx, max_age_s=86400, port=None):
        self.text = f"version: STSv1\r\nmode: {mode}\r\n{''.join(f'mx: {host}' + chr(13) + chr(10) for host in mx)}"
        self.text += f"max_age: {max_age_s}\r\n"
        self.address, self.chain, self.port = address, chain, port or free_port(address)
        self.fetches, self.hosts = 0, []
        self.server = self.thread = None

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = self.path == PATH
                outer.fetches += found
                outer.hosts.append(self.headers.get("Host", ""))
                body = outer.text.encode() if found else b"no\n"
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that does not trust us hangs up

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        self.server = Server((self.address, self.port), Handler)
        # The handshake belongs to the connection's thread: one that stalls must not stop the others.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
