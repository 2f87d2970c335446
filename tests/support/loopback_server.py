"""The web server of the Djangos that tests and benchmarks start, from Python's standard library."""

from socketserver import TCPServer
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class LoopbackServer(WSGIServer):
    request_queue_size = 64

    def server_bind(self):
        # Without asking for the name of the address, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


class SilentHandler(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


def listen(app, server_class=LoopbackServer, handler_class=SilentHandler):
    """Listens on a free port of the loopback interface."""
    return make_server("127.0.0.1", 0, app, server_class=server_class, handler_class=handler_class)
