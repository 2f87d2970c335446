"""Makes the tables and the users, serves on a free port of the loopback interface, and ends with its input. The first line says both."""

import json
import os
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

tests = Path(__file__).parent.parent
sys.path[:0] = [str(tests), str(tests.parent / "support"), str(tests.parent.parent / "docs/django")]
sys.dont_write_bytecode = True
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"

from loopback_server import LoopbackServer, listen  # noqa: E402


class Server(ThreadingMixIn, LoopbackServer):
    daemon_threads = True


django.setup()
call_command("migrate", verbosity=0)

from project.users import make_users  # noqa: E402

users = make_users()
server = listen(get_wsgi_application(), server_class=Server)
print(json.dumps({"port": server.server_port, "users": users}), flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
