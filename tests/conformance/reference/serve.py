"""Serves on a free port of the loopback interface, says which on the first line, and ends with its input."""

import os
import sys
import threading
from pathlib import Path

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

tests = Path(__file__).parents[2]
sys.path[:0] = [str(tests / "conformance"), str(tests / "support")]
sys.dont_write_bytecode = True
os.environ["DJANGO_SETTINGS_MODULE"] = "reference.settings"

from loopback_server import SilentHandler, listen  # noqa: E402


class Handler(SilentHandler):
    def get_environ(self):
        # The standard library makes up a type for a body that came without one.
        return {**super().get_environ(), "CONTENT_TYPE": self.headers.get("content-type", "")}


def without_body_for_head(app):
    """What a real web server does for it."""

    def answer(environ, start_response):
        body = app(environ, start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body

    return answer


django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
app = without_body_for_head(get_wsgi_application())
server = listen(app, handler_class=Handler)
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
# In the thread that made the tables: a database in memory belongs to one.
server.serve_forever()
