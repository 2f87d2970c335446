"""Makes the tables and the users, serves on a free port of the loopback interface, and ends with its input. The first line says both."""

import json
import os
import sys
import threading
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

tests = Path(__file__).parent.parent
sys.path[:0] = [str(tests), str(tests.parent.parent / "docs/django")]
sys.dont_write_bytecode = True
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self):
        # Without asking for the name of the address, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


django.setup()
call_command("migrate", verbosity=0)

from project.users import make_users  # noqa: E402

users = make_users()
server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Server, handler_class=Handler)
print(json.dumps({"port": server.server_port, "users": users}), flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
