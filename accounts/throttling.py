"""A bound on password checks: each costs about 180 ms of CPU, whether it is right or wrong."""

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class PasswordThrottle(SimpleRateThrottle):
    """Counts attempts for each address that asks, before anything is hashed. Pages and API share the count."""

    scope = "password"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.META.get("REMOTE_ADDR", "")}
