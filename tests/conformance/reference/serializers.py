from uuid import uuid4

from django.contrib.auth.models import update_last_login
from django.contrib.auth.password_validation import validate_password
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


class NewPassword(serializers.CharField):
    def __init__(self, **options):
        super().__init__(write_only=True, validators=[validate_password], **options)


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
    password = NewPassword()

    class Meta:
        model = User
        fields = ["id", "username", "email", "password"]

    def create(self, person):
        return User.objects.create_user(**person)


class RegistrationToVerify(Registration):
    password2 = serializers.CharField(write_only=True, required=False)

    class Meta:
        model = User
        fields = ["username", "email", "password", "password2", *NAMES]

    def validate(self, attrs):
        return same(attrs, "password2", "password")

    def create(self, person):
        person.pop("password2", None)
        return User.objects.create_user(**person, is_active=False)


class RegistrationByAddress(Registration):
    password_confirm = serializers.CharField(write_only=True)

    class Meta:
        model = User
        fields = ["email", "password", "password_confirm", *NAMES]
        extra_kwargs = {name: {"required": True} for name in NAMES}

    def validate(self, attrs):
        return same(attrs, "password_confirm", "password")

    def create(self, person):
        person.pop("password_confirm")
        return User.objects.create_user(username=f"user-{uuid4().hex[:16]}", **person)


class LoginByEither(TokenObtainPairSerializer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["email"] = serializers.CharField(required=False)

    def validate(self, attrs):
        if "username" not in attrs:
            if "email" not in attrs:
                raise serializers.ValidationError({"username": "This field is required."}, code="required")
            person = User.objects.filter(email=attrs["email"]).first()
            attrs["username"] = person.username if person else ""
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
    new_password = NewPassword()

    def validate_old_password(self, value):
        if not self.context["request"].user.check_password(value):
            raise serializers.ValidationError("The current password is wrong.")
        return value


class CurrentPassword(serializers.Serializer):
    current_password = serializers.CharField()
    new_password = NewPassword()
    new_password_confirm = serializers.CharField(required=False)

    validate_current_password = OldPassword.validate_old_password

    def validate(self, attrs):
        return same(attrs, "new_password_confirm", "new_password")


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
