from rest_framework import generics, permissions, status
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework_simplejwt import views as simplejwt
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

from . import serializers
from .models import User


class Public:
    authentication_classes = ()
    permission_classes = ()


class Login(simplejwt.TokenObtainPairView):
    throttle_classes = [AnonRateThrottle]


class Logout(simplejwt.TokenBlacklistView):
    def post(self, request, *args, **kwargs):
        super().post(request, *args, **kwargs)
        return Response(status=status.HTTP_205_RESET_CONTENT)


class Register(Public, generics.CreateAPIView):
    pass


class RegisterAndLogIn(Register):
    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = serializer.save()
        tokens = serializers.token_response(user, serializers.RefreshToken.for_user(user))
        return Response(tokens, status=status.HTTP_201_CREATED)


class Told(generics.GenericAPIView):
    """Checks what is sent, and answers with a message."""

    permission_classes = [permissions.IsAuthenticated]
    word = "detail"

    def post(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(serializer.validated_data)

    def answer(self, sent):
        return Response({self.word: "Done"})


class ChangePassword(Told):
    def answer(self, sent):
        self.request.user.set_password(sent["new_password"])
        self.request.user.save()
        return super().answer(sent)


class PublicTold(Public, Told):
    pass


class RefusesToken(PublicTold):
    """No token that was made up is one of the service's."""

    refusal = "The reset token is wrong, used or expired: ask for a new one."

    def answer(self, sent):
        return Response({"detail": self.refusal}, status=status.HTTP_400_BAD_REQUEST)


class ResetByLink(RefusesToken):
    http_method_names = ["patch", "options"]

    def patch(self, request, *args, **kwargs):
        return self.post(request)


class VerifyAddress(RefusesToken):
    refusal = "The verification token is wrong, used or expired: ask for a new one."

    def get(self, request):
        serializer = self.get_serializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        return self.answer(serializer.validated_data)


class Protected(generics.GenericAPIView):
    permission_classes = [permissions.IsAuthenticated]

    def get(self, request):
        user = {name: getattr(request.user, name) for name in ("id", "username", "email")}
        return Response({"detail": "You are logged in", "user": user})


class OwnProfile(generics.RetrieveUpdateAPIView):
    permission_classes = [permissions.IsAuthenticated]

    def get_object(self):
        return self.request.user


class WhoAmI(generics.GenericAPIView):
    """For a service without users of its own: the token identifies the caller."""

    authentication_classes = [JWTStatelessUserAuthentication]
    permission_classes = [permissions.IsAuthenticated]

    def get(self, request):
        return Response({"user_id": request.user.id})


class Users(Register):
    """Not of any service: makes a user for a test to be."""

    def create(self, request, *args, **kwargs):
        User.objects.create_user(**request.data)
        return Response(status=status.HTTP_201_CREATED)
