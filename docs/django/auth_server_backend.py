"""Lets Django ask auth-server whether a password is right, so that each user has one password on both sides.

    AUTHENTICATION_BACKENDS = ["auth_server_backend.AuthServerBackend"]
    AUTH_SERVER_URL = "https://auth.example.com"
"""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.db.models import UUIDField


class AuthServerBackend(ModelBackend):
    """Permissions stay Django's. Users are found by the key that the import has kept."""

    def authenticate(self, request, username=None, password=None, **credentials):
        username = username or credentials.get(get_user_model().USERNAME_FIELD)
        if not username or not password:
            return None
        login = ask("login_credentials", {"username": username, "password": password}, request)
        if login is None:
            return None
        # The session is not needed: Django has its own.
        ask("logout", {"refresh_token": login["refresh_token"]}, request)
        found = login["user"]
        # A key alone may be another user's, who has registered on one side since the import, and so may an address that is not verified.
        if not found["email_verified"]:
            return None
        users = get_user_model().objects
        key = found["uuid"] if isinstance(users.model._meta.pk, UUIDField) else found["id"]
        user = users.filter(pk=key, email__iexact=found["email"]).first()
        return user if user and self.user_can_authenticate(user) else None

    async def aauthenticate(self, request, **credentials):
        """That of ModelBackend would compare the password that Django has."""
        return await sync_to_async(self.authenticate)(request, **credentials)


def ask(path, body, request):
    """The answer; None where the server refuses. Raises where it cannot answer: the password may be right."""
    headers = {"Content-Type": "application/json"}
    if request is not None:
        # Counts for the client's own rate limit, if TRUST_PROXY of auth-server names this machine.
        headers["X-Forwarded-For"] = request.META["REMOTE_ADDR"]
    url = f"{settings.AUTH_SERVER_URL}/api/v1/auth/{path}"
    try:
        with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=20) as answer:
            return json.load(answer)
    except HTTPError as error:
        if error.code in (400, 401, 403):
            return None
        raise
