"""One published service on Django REST framework and SimpleJWT; CONTRACT says which."""

import os
from datetime import timedelta

CONTRACT = os.environ["CONTRACT"]
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "reference.urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "reference",
]
AUTH_USER_MODEL = "reference.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# Tables are made from the models, in a moment.
MIGRATION_MODULES = {app: None for app in ("auth", "contenttypes", "token_blacklist", "reference")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_RATES": {"anon": "30/min"},
}
SIMPLE_JWT = {"UPDATE_LAST_LOGIN": True} | {
    "rest-auth": {},
    "simple-jwt": {
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
        "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    },
    "drf": {
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
        "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    },
    # No published service: one that has the key for access tokens.
    "verifier": {
        "SIGNING_KEY": os.environ.get("ACCESS_TOKEN_KEY"),
        "ISSUER": os.environ.get("ISSUER"),
        # Several while the server that issues the tokens moves to another address.
        "AUDIENCE": os.environ["AUDIENCE"].split(",") if "AUDIENCE" in os.environ else None,
    },
}[CONTRACT]
