"""DRF permissions by role. Whose outlet it is, is not decided here but by `outlets.selectors.visible_to`."""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User


class ManagesOutlets(BasePermission):
    """ADMIN and up."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.manages_outlets


class ManagesOutletsOrReads(ManagesOutlets):
    """Everybody may read, ADMIN and up may write."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or super().has_permission(request, view)
