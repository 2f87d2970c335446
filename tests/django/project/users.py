from django.contrib.auth.hashers import get_hashers, make_password
from django.contrib.auth.models import User

PASSWORD = "correct horse battery"


def make_users():
    """One user for each hasher, whose name is the username, and some who cannot be taken as they are; says which."""
    algorithms = [hasher.algorithm for hasher in get_hashers()]
    for name in algorithms:
        User.objects.create(
            username=name, email=f"{name}@example.com", password=make_password(PASSWORD, hasher=name)
        )
    hashed = make_password(PASSWORD)
    others = {
        "unusable": {"email": "unusable@example.com", "password": make_password(None)},
        "inactive": {"email": "inactive@example.com", "password": hashed, "is_active": False},
        "no-address": {"email": "", "password": hashed},
        "with space": {"email": "space@example.com", "password": hashed},
        "twin": {"email": "Twin@Example.com", "password": hashed},
        "other-twin": {"email": "twin@example.com", "password": hashed},
    }
    for name, columns in others.items():
        User.objects.create(username=name, **columns)
    return {"algorithms": algorithms, "password": PASSWORD}
