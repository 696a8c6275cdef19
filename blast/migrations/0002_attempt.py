from datetime import timedelta
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone


def of_recipients(apps: Any, schema_editor: Any) -> None:
    """What was sent lately still counts."""
    recipients = apps.get_model("blast", "Recipient").objects.filter(claimed_at__gt=timezone.now() - timedelta(days=2))
    rows = recipients.values_list("outlet_id", "claimed_at", "sent_at").iterator(chunk_size=2000)
    attempt = apps.get_model("blast", "Attempt")
    attempt.objects.bulk_create(
        (attempt(outlet_id=outlet, at=sent_at or claimed_at, count=1) for outlet, claimed_at, sent_at in rows),
        batch_size=2000,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("blast", "0001_initial"),
        ("outlets", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
                (
                    "outlet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outlets.outlet",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["outlet", "at"], name="attempt_history")],
            },
        ),
        migrations.RunPython(of_recipients, migrations.RunPython.noop, elidable=True),
    ]
