from django.conf import settings
from django.urls import path
from rest_framework_simplejwt.views import TokenRefreshView, TokenVerifyView

from . import serializers as of
from . import views

rest_auth = {
    "register/": views.Register.as_view(serializer_class=of.RegistrationToVerify),
    "verify-email/": views.VerifyAddress.as_view(serializer_class=of.MailedToken),
    "login/": views.Login.as_view(serializer_class=of.LoginByEither),
    "login/refresh/": TokenRefreshView.as_view(),
    "token/refresh/": TokenRefreshView.as_view(),
    "token/verify/": TokenVerifyView.as_view(),
    "logout/": views.Logout.as_view(),
    "password-reset/": views.PublicTold.as_view(serializer_class=of.Address),
    "password-reset-confirm/<uidb64>/<token>/": views.ResetByLink.as_view(serializer_class=of.ResetByLink),
    "password/reset/request/": views.PublicTold.as_view(serializer_class=of.Address),
    "password/reset/confirm/": views.RefusesToken.as_view(serializer_class=of.ResetByToken),
    "profile/": views.OwnProfile.as_view(
        serializer_class=of.FullProfile, http_method_names=["get", "head", "put", "options"]
    ),
}
simple_jwt = {
    "register/": views.Register.as_view(serializer_class=of.Registration),
    "login/": views.Login.as_view(),
    "refresh/": TokenRefreshView.as_view(),
    "logout/": views.Logout.as_view(),
    "protected/": views.Protected.as_view(),
    "change-password/": views.ChangePassword.as_view(serializer_class=of.OldPassword),
}
drf = {
    "register/": views.RegisterAndLogIn.as_view(serializer_class=of.RegistrationByAddress),
    "login/": views.Login.as_view(serializer_class=of.LoginByAddress),
    "logout/": views.simplejwt.TokenBlacklistView.as_view(serializer_class=of.LogoutInOtherWords),
    "token/refresh/": TokenRefreshView.as_view(serializer_class=of.RefreshInOtherWords),
    "me/": views.OwnProfile.as_view(
        serializer_class=of.Profile, http_method_names=["get", "head", "patch", "options"]
    ),
    "change-password/": views.ChangePassword.as_view(serializer_class=of.CurrentPassword, word="message"),
}

prefix, table = {
    "rest-auth": ("api/auth/", rest_auth),
    "simple-jwt": ("api/", simple_jwt),
    "drf": ("api/v1/drf/auth/", drf),
    "verifier": ("", {"whoami/": views.WhoAmI.as_view()}),
}[settings.CONTRACT]

urlpatterns = [
    path("users/", views.Users.as_view()),
    *(path(prefix + route, view) for route, view in table.items()),
]
