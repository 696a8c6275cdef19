"""The forms of blasts. They read what a person wrote; what is allowed, the services say."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from blast.attachments import read_attachment, rules
from blast.importing import read_file, read_text
from blast.models import Blast
from blast.recipients import Parsed
from blast.services import AHEAD, NAME_MAX, NewAttachment
from blast.states import Assignment, OnUnhealthy
from outlets.models import Outlet

# Names of fields in the errors of services, where they differ from ours.
_FIELDS = {"moveTo": "move_to", "recipients": "text", "attachment": "attachment", "startAt": "start_at"}


class BlastForm(forms.Form):
    """A new blast, or a draft again. `outlets` are those that the person sees and that are active."""

    name = forms.CharField(max_length=NAME_MAX, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    outlets = forms.MultipleChoiceField(error_messages={"required": _("Choose an outlet.")})
    text = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 6, "class": "list-text", "spellcheck": "false", "placeholder": "0812-3456-7890, Ibu Ani"}
        ),
    )
    file = forms.FileField(
        required=False, allow_empty_file=True, widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt,.tsv"})
    )
    foreign = forms.BooleanField(required=False)
    skip = forms.BooleanField(required=False)
    body = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}))
    attachment = forms.FileField(required=False, allow_empty_file=True)  # `read_attachment` says what may be
    detach = forms.BooleanField(required=False)
    when = forms.ChoiceField(choices=[("now", ""), ("at", "")], initial="now")
    start_at = forms.DateTimeField(
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Write a date and a time.")},
    )
    assignment = forms.ChoiceField(choices=Assignment.choices, initial=Assignment.EVEN)
    on_unhealthy = forms.ChoiceField(choices=OnUnhealthy.choices, initial=OnUnhealthy.HOLD)
    move_to = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, outlets: Sequence[Outlet], **kwargs: Any) -> None:
        self.by_id = {outlet.public_id: outlet for outlet in outlets}
        super().__init__(*args, **kwargs)
        choices = [(outlet.public_id, outlet.name) for outlet in outlets]
        field, move_to = self.fields["outlets"], self.fields["move_to"]
        assert isinstance(field, forms.MultipleChoiceField)
        assert isinstance(move_to, forms.ChoiceField)
        field.choices = choices
        move_to.choices = [("", "–"), *choices]
        self.fields["name"].error_messages["required"] = _("Give the blast a name.")
        self.fields["attachment"].help_text = rules()

    def clean_start_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["start_at"]
        if self.data.get("when") != "at":
            return None
        if at is None or at > timezone.now() + AHEAD:
            raise ValidationError(_("Write a date and a time."))
        if at <= timezone.now():
            raise ValidationError(_("That time is over. Choose a later one."))
        return at

    def clean_attachment(self) -> NewAttachment | None:
        file = self.cleaned_data["attachment"]
        return read_attachment(file) if file else None

    def forgive(self) -> None:
        """Show no objections: nobody asked to save yet."""
        self.full_clean()
        self.errors.clear()

    @property
    def has_list(self) -> bool:
        """Whether any recipients were given."""
        return bool(self.files.get("file") or self.data.get("text", "").strip())

    def parsed(self) -> Parsed:
        """The given recipients, for the given message. Raises `BadBody`."""
        body = self.data.get("body", "")
        file = self.files.get("file")
        if file:
            return read_file(file.read(), file.name or "", body)
        return read_text(self.data.get("text", ""), body)

    def chosen(self) -> list[Outlet]:
        return [self.by_id[public_id] for public_id in self.cleaned_data["outlets"]]

    def settings(self) -> dict[str, Any]:
        """Everything but the recipients, as the services take it."""
        data = self.cleaned_data
        is_moving = data["on_unhealthy"] == OnUnhealthy.MOVE
        return {
            "name": data["name"],
            "body": data["body"],
            "outlets": self.chosen(),
            "assignment": data["assignment"],
            "on_unhealthy": data["on_unhealthy"],
            "move_to": self.by_id.get(data["move_to"]) if is_moving else None,
            "attachment": data["attachment"],
            "start_at": data["start_at"],
        }

    def take(self, error: ValidationError) -> None:
        """Show what a service objected to, beside the field that it means."""
        add_errors(self, error, _FIELDS)


def initial_of(blast: Blast) -> dict[str, Any]:
    """The fields of `BlastForm` as a draft has them. A start that is over by now is none."""
    start_at = blast.start_at if blast.start_at is not None and blast.start_at > timezone.now() else None
    return {
        "name": blast.name,
        "outlets": [outlet.public_id for outlet in blast.outlets.all()],
        "body": blast.body,
        "assignment": blast.assignment,
        "on_unhealthy": blast.on_unhealthy,
        "move_to": blast.move_to.public_id if blast.move_to else "",
        "when": "at" if start_at else "now",
        "start_at": start_at,
    }


def add_errors(form: forms.Form, error: ValidationError, names: dict[str, str] | None = None) -> None:
    """Put the errors of a service into a form; those of no field of it above the form."""
    by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for given, messages in by_field.items():
        name = (names or {}).get(given, given)
        for message in messages:
            form.add_error(name if name in form.fields else None, message)


class PaceForm(forms.Form):
    """How an outlet may send."""

    per_minute = forms.IntegerField(label=_("Messages per minute, at most"), required=False, min_value=1)
    daily_cap = forms.IntegerField(label=_("Messages per day, at most"), required=False, min_value=1)
    delay_s = forms.FloatField(label=_("Seconds between two messages, at least"), min_value=0)
    jitter = forms.FloatField(label=_("Random extra pause, as a part of it (1: up to twice as long)"), min_value=0)
    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=_("Quiet until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    ramp_days = forms.IntegerField(label=_("Days of gentler sending after linking"), min_value=0)
    ramp_start = forms.FloatField(label=_("Share of the limits on the first day"), min_value=0.01, max_value=1)

    def __init__(self, *args: Any, reasons: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.help_text = reasons.get(name, "")
            if isinstance(field, forms.FloatField):
                field.widget.attrs["step"] = "any"


def pace_initial(pace: Any, names: Iterable[str]) -> dict[str, Any]:
    """The fields of `PaceForm` as a `pacing.Pace` has them."""
    return {name: getattr(pace, name) for name in names}


class UndoForm(forms.Form):
    """Why a person is written to again."""

    reason = forms.CharField(label=_("Reason"), max_length=300)
