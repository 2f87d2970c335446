from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView


class WhoAmI(APIView):
    def get(self, request):
        return Response({"id": request.user.pk, "username": request.user.get_username()})


class LogInThere(APIView):
    """A login with the password that the authentication server knows."""

    authentication_classes = []

    def post(self, request):
        backends = ["auth_server_backend.AuthServerBackend"]
        with override_settings(AUTHENTICATION_BACKENDS=backends, AUTH_SERVER_URL=request.data["url"]):
            user = authenticate(request, username=request.data["username"], password=request.data["password"])
        return Response({"username": user and user.get_username()})


class Register(APIView):
    authentication_classes = []

    def post(self, request):
        user = User.objects.create_user(**{name: request.data[name] for name in ("username", "email", "password")})
        return Response({"id": user.pk})


class SetPassword(APIView):
    def post(self, request):
        request.user.set_password(request.data["password"])
        request.user.save()
        return Response({})


urlpatterns = [
    path("register/", Register.as_view()),
    path("set-password/", SetPassword.as_view()),
    path("token/", TokenObtainPairView.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("token/blacklist/", TokenBlacklistView.as_view()),
    path("whoami/", WhoAmI.as_view()),
    path("login-there/", LogInThere.as_view()),
]
