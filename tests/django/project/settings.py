"""A service with Django's own user model, SimpleJWT and its blacklist, as `startproject` and the documentation of SimpleJWT make it."""

import os

from django_database import databases

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "project.urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = databases()

# Every one that this version has.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher"
    for name in (
        *("PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "SHA1", "MD5"),
        *("UnsaltedSHA1", "UnsaltedMD5", "Crypt"),
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SIMPLE_JWT = {"UPDATE_LAST_LOGIN": True}
