"""People who may log in, and the tokens they let programs use in their name."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager as DjangoUserManager
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    USER = "USER", _("Outlet user")
    ADMIN = "ADMIN", _("Admin")
    SUPERADMIN = "SUPERADMIN", _("Super admin")


class UserManager(DjangoUserManager["User"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        """`manage.py createsuperuser` makes a SUPERADMIN: the first account of a new installation."""
        extra.setdefault("role", Role.SUPERADMIN)
        return super().create_superuser(username, email, password, **extra)


class User(AbstractUser):
    """An account. What it may see and do follows from `role`, and for a USER from `outlet`.

    Django's own flags follow the role at every save, so that nothing else can give rights: `is_staff` (may enter the
    admin) from ADMIN up, `is_superuser` for SUPERADMIN. What an ADMIN may do there is in `accounts.backends`.
    """

    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.USER)
    outlet = models.ForeignKey(
        "outlets.Outlet",
        verbose_name=_("outlet"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="users",
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        self.is_staff = self.sees_all
        self.is_superuser = self.role == Role.SUPERADMIN
        if update_fields is not None and "role" in update_fields:
            update_fields = {*update_fields, "is_staff", "is_superuser"}
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def sees_all(self) -> bool:
        """Whether this account sees every outlet (ADMIN and up) or only its own."""
        return self.role in (Role.ADMIN, Role.SUPERADMIN)

    @property
    def manages_outlets(self) -> bool:
        """Whether it may add, edit and deactivate outlets, and unlink devices."""
        return self.role in (Role.ADMIN, Role.SUPERADMIN)


def _hash(token: str) -> str:
    # The token has 256 random bits: a plain hash cannot be reversed by guessing, and it can be looked up by index.
    return hashlib.sha256(token.encode()).hexdigest()


LAST_USED_EVERY = timedelta(minutes=5)
# In the model's order, which `from_db` goes by.
_USER_COLUMNS = ("id", "is_superuser", "username", "first_name", "is_staff", "is_active", "role", "outlet_id")
_FIND = (
    "SELECT t.id, t.last_used_at IS NULL OR t.last_used_at < %s,"
    " u.id, u.is_superuser, u.username, u.first_name, u.is_staff, u.role, u.outlet_id"
    " FROM accounts_apitoken t JOIN accounts_user u ON u.id = t.user_id"
    " WHERE t.digest = %s AND t.expires_at > %s AND t.revoked_at IS NULL AND u.is_active"
)


class ApiTokenManager(models.Manager["ApiToken"]):
    def issue(self, user: User, *, lifetime: timedelta, name: str = "") -> tuple[str, "ApiToken"]:
        """Make a token. The text is returned once, here; only its hash is kept."""
        text = secrets.token_urlsafe(32)
        return text, self.create(
            user=user, digest=_hash(text), prefix=text[:6], name=name, expires_at=timezone.now() + lifetime
        )

    def find(self, text: str, now: datetime) -> "ApiToken | None":
        """The live token with this text, its user joined, or None if unknown, expired, revoked or its user inactive.

        Other columns than those asked for here are read when they are used.
        """
        # Asked for with every request, so the statement stands ready: to build it costs ten times what it takes to run.
        as_written = connection.ops.adapt_datetimefield_value
        with connection.cursor() as cursor:
            cursor.execute(_FIND, [as_written(now - LAST_USED_EVERY), _hash(text), as_written(now)])
            row = cursor.fetchone()
        if row is None:
            return None
        token_pk, is_due, user_pk, is_superuser, username, first_name, is_staff, role, outlet_pk = row
        values = (user_pk, bool(is_superuser), username, first_name, bool(is_staff), True, role, outlet_pk)
        user = User.from_db(self.db, _USER_COLUMNS, values)
        token = ApiToken.from_db(self.db, ("id", "user_id"), (token_pk, user_pk))
        token.user, token.is_due = user, bool(is_due)
        return token

    def note_use(self, token: "ApiToken", now: datetime) -> None:
        """Write down that this token is in use: to some minutes is enough, since every write queues for the writer."""
        if token.is_due:
            stale = models.Q(last_used_at=None) | models.Q(last_used_at__lt=now - LAST_USED_EVERY)
            self.filter(stale, pk=token.pk).update(last_used_at=now)


class ApiToken(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(_("begins with"), max_length=6, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    is_due = False  # `find` says so: its last use was noted too long ago

    objects = ApiTokenManager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.prefix}…"
