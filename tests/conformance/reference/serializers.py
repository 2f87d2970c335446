from uuid import uuid4

from django.contrib.auth.models import update_last_login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from .models import User

NAMES = ["first_name", "last_name"]
PROFILE = [
    *("id", "uuid", "email", "first_name", "last_name", "full_name", "display_name", "phone_number"),
    *("phone_number_verified", "timezone", "is_practitioner", "account_status", "last_login", "date_joined"),
    *("is_active", "is_staff", "is_superuser"),
]
WRITABLE = ["username", *NAMES, "display_name", "phone_number", "timezone"]


def same(attrs, confirmation, password):
    # Which field is to blame, and the words, are a service's own.
    if confirmation in attrs and attrs[confirmation] != attrs[password]:
        raise serializers.ValidationError({confirmation: "The two passwords do not match."})
    return attrs


def fit(password, field, user):
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise serializers.ValidationError({field: error.messages}) from error


class NewPassword(serializers.CharField):
    """For a user who is unknown until the mailed token is checked."""

    def __init__(self):
        super().__init__(write_only=True, validators=[validate_password])


class Profile(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = PROFILE
        read_only_fields = [name for name in PROFILE if name not in WRITABLE]


class FullProfile(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = [*PROFILE, "username", "email_verified"]
        read_only_fields = [name for name in fields if name not in WRITABLE]
        extra_kwargs = {"username": {"required": False}}


class Registration(serializers.ModelSerializer):
    password = serializers.CharField(write_only=True)
    confirmation = None

    class Meta:
        model = User
        fields = ["id", "username", "email", "password"]

    def validate(self, attrs):
        if self.confirmation:
            same(attrs, self.confirmation, "password")
        known = {name: value for name, value in attrs.items() if name != self.confirmation}
        fit(attrs["password"], "password", User(**known))
        return attrs

    def create(self, user):
        return User.objects.create_user(**user)


class RegistrationToVerify(Registration):
    password2 = serializers.CharField(write_only=True, required=False)
    confirmation = "password2"

    class Meta:
        model = User
        fields = ["username", "email", "password", "password2", *NAMES]

    def create(self, user):
        user.pop("password2", None)
        return User.objects.create_user(**user, is_active=False)


class RegistrationByAddress(Registration):
    password_confirm = serializers.CharField(write_only=True)
    confirmation = "password_confirm"

    class Meta:
        model = User
        fields = ["email", "password", "password_confirm", *NAMES]
        extra_kwargs = {name: {"required": True} for name in NAMES}

    def create(self, user):
        user.pop("password_confirm")
        return User.objects.create_user(username=f"user-{uuid4().hex[:16]}", **user)


class LoginByEither(TokenObtainPairSerializer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["email"] = serializers.CharField(required=False)

    def validate(self, attrs):
        if "username" not in attrs:
            if "email" not in attrs:
                raise serializers.ValidationError({"username": "This field is required."}, code="required")
            user = User.objects.filter(email=attrs["email"]).first()
            attrs["username"] = user.username if user else ""
        return super().validate(attrs)


def token_response(user, refresh):
    update_last_login(None, user)
    return {
        "access_token": str(refresh.access_token),
        "refresh_token": str(refresh),
        "token_type": "bearer",
        "expires_in": int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        "user": Profile(user).data,
    }


class LoginByAddress(TokenObtainPairSerializer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"] = serializers.EmailField()

    def validate(self, attrs):
        super().validate(attrs)
        return token_response(self.user, RefreshToken.for_user(self.user))


class RefreshInOtherWords(TokenRefreshSerializer):
    """What SimpleJWT does, under the field names of the service."""

    refresh = None
    refresh_token = serializers.CharField()

    def validate(self, attrs):
        user = User.objects.get(pk=RefreshToken(attrs["refresh_token"])["user_id"])
        pair = super().validate({"refresh": attrs["refresh_token"]})
        return {**token_response(user, RefreshToken(pair["refresh"])), "access_token": pair["access"]}


class LogoutInOtherWords(serializers.Serializer):
    refresh_token = serializers.CharField()

    def validate(self, attrs):
        RefreshToken(attrs["refresh_token"]).blacklist()
        return {"message": "You are logged out"}


class OldPassword(serializers.Serializer):
    old_password = serializers.CharField()
    new_password = serializers.CharField()

    def validate(self, attrs):
        fit(attrs["new_password"], "new_password", self.context["request"].user)
        return attrs

    def validate_old_password(self, value):
        if not self.context["request"].user.check_password(value):
            raise serializers.ValidationError("The current password is wrong.")
        return value


class CurrentPassword(serializers.Serializer):
    current_password = serializers.CharField()
    new_password = serializers.CharField()
    new_password_confirm = serializers.CharField(required=False)

    validate_current_password = OldPassword.validate_old_password

    def validate(self, attrs):
        same(attrs, "new_password_confirm", "new_password")
        return OldPassword.validate(self, attrs)


class Address(serializers.Serializer):
    email = serializers.EmailField()


class MailedToken(serializers.Serializer):
    token = serializers.CharField()


class ResetByLink(serializers.Serializer):
    password = NewPassword()


class ResetByToken(serializers.Serializer):
    token = serializers.CharField()
    new_password = NewPassword()
    new_password_confirm = serializers.CharField()

    def validate(self, attrs):
        return same(attrs, "new_password_confirm", "new_password")
