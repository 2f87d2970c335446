"""Django with SimpleJWT on PostgreSQL, for bench/django.mjs: logins at the same cost of bcrypt as this server's.

As many processes as asked for share one socket, each with one connection to the database that stays open: what the synchronous
workers of gunicorn do, with the HTTP of Python's standard library. Prints the port and the process ids, and ends with its input.
"""

import os
import signal
import sys
from socketserver import TCPServer
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

username, password, rounds, processes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
database = urlsplit(os.environ["DATABASE_URL"])


class Hasher(BCryptSHA256PasswordHasher):
    rounds = rounds


settings.configure(
    SECRET_KEY="of-the-bench-0123456789abcdef0123456789",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="urls",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=[f"{__name__}.Hasher"],
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
    SIMPLE_JWT={"UPDATE_LAST_LOGIN": True},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database.path[1:],
            "USER": database.username,
            "PASSWORD": database.password,
            "HOST": database.hostname,
            "PORT": database.port,
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework_simplejwt.views import TokenObtainPairView  # noqa: E402

urls = type(sys)("urls")
urls.urlpatterns = [path("login/", TokenObtainPairView.as_view())]
sys.modules["urls"] = urls


class Server(WSGIServer):
    request_queue_size = 64

    def server_bind(self):
        # Without asking for the name of the address, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


call_command("migrate", verbosity=0)
get_user_model().objects.create_user(username, password=password)
connections.close_all()
server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Server, handler_class=Handler)
children = []
for _process in range(processes):
    child = os.fork()
    if child == 0:
        server.serve_forever()
    children.append(child)
print(server.server_port, *children, flush=True)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGTERM)
