"""Django with SimpleJWT on PostgreSQL, for bench/django.mjs: logins at the same cost of bcrypt as this server's.

As many processes as asked for share one socket, each with one connection to the database that stays open: what the synchronous
workers of gunicorn do, with the HTTP of Python's standard library. Prints the port and the process ids, and ends with its input.
"""

import os
import signal
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/support"))
sys.dont_write_bytecode = True

from django_database import databases  # noqa: E402

password, rounds, processes, usernames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


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
    DATABASES=databases(CONN_MAX_AGE=None),
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import path  # noqa: E402
from loopback_server import listen  # noqa: E402
from rest_framework_simplejwt.views import TokenObtainPairView  # noqa: E402

urls = type(sys)("urls")
urls.urlpatterns = [path("login/", TokenObtainPairView.as_view())]
sys.modules["urls"] = urls


call_command("migrate", verbosity=0)
for username in usernames:
    get_user_model().objects.create_user(username, password=password)
connections.close_all()
server = listen(get_wsgi_application())
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
