"""The database of the Djangos that tests and benchmarks start, as DATABASE_URL names it."""

import os
from urllib.parse import urlsplit


def databases(**options):
    """DATABASES of Django's settings."""
    url = urlsplit(os.environ["DATABASE_URL"])
    place = {"NAME": url.path[1:], "USER": url.username, "PASSWORD": url.password, "HOST": url.hostname, "PORT": url.port}
    return {"default": {"ENGINE": "django.db.backends.postgresql", **place, **options}}
