from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    # Called as Django's own model calls it; what is said of a taken one is a service's own.
    email = models.EmailField(
        "email address", unique=True, error_messages={"unique": "user with this email already exists."}
    )
    uuid = models.UUIDField(default=uuid4)
    email_verified = models.BooleanField(default=False)
    display_name = models.CharField(max_length=150, blank=True)
    phone_number = models.CharField(max_length=64, blank=True)
    phone_number_verified = models.BooleanField(default=False)
    timezone = models.CharField(max_length=64, default="UTC")
    account_status = models.CharField(max_length=16, default="active")
    is_practitioner = models.BooleanField(default=False)

    if settings.CONTRACT == "drf":
        USERNAME_FIELD = "email"
        REQUIRED_FIELDS = ["username"]

    @property
    def full_name(self):
        return self.get_full_name()
