from django.db import models

from iot.models.device import Device


class ReadingKind(models.IntegerChoices):
    """What was measured; the unit is part of the name."""

    POWER_W = 1, "power_w"
    ENERGY_WH = 2, "energy_wh"
    TEMPERATURE_C = 3, "temperature_c"
    PROGRESS_PCT = 4, "progress_pct"
    BATTERY_PCT = 5, "battery_pct"


class Reading(models.Model):
    """One measured value. The table is partitioned by month of `at` (corrected time) and made by hand in SQL."""

    pk = models.CompositePrimaryKey("device", "boot", "seq", "index", "kind", "at")
    device = models.ForeignKey(Device, on_delete=models.DO_NOTHING, related_name="readings")
    boot = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    index = models.PositiveSmallIntegerField()
    kind = models.PositiveSmallIntegerField(choices=ReadingKind.choices)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        managed = False
        db_table = "iot_reading"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"
