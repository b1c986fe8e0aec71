"""What was measured, summed up by the minute and by the hour, once the single values are old."""

from django.db import models

from iot.models.device import Device
from iot.models.reading import ReadingKind


class Rollup(models.Model):
    """All values of one kind in the minute or hour that begins at `at` (UTC). Sums are kept, so that hours made of
    minutes equal hours made of single values."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    kind = models.PositiveSmallIntegerField(choices=ReadingKind.choices)
    at = models.DateTimeField()
    count = models.PositiveIntegerField()
    total = models.FloatField()
    least = models.FloatField()
    most = models.FloatField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.device_id} {self.kind} {self.at:%Y-%m-%d %H:%M}"

    @property
    def mean(self) -> float:
        return self.total / self.count


class ReadingMinute(Rollup):
    pk = models.CompositePrimaryKey("device", "kind", "at")

    class Meta:
        db_table = "iot_reading_minute"


class ReadingHour(Rollup):
    pk = models.CompositePrimaryKey("device", "kind", "at")

    class Meta:
        db_table = "iot_reading_hour"


class RolledUp(models.Model):
    """Until when everything is summed up; single values before it may be dropped."""

    step = models.CharField(primary_key=True, max_length=6)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.step} {self.until:%Y-%m-%d %H:%M}"
