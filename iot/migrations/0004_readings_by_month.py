"""Readings, partitioned by month of their corrected time; the default partition takes what no month holds."""

from django.db import migrations

FORWARD = """
CREATE TABLE iot_reading (
    device_id bigint NOT NULL,
    boot varchar(40) NOT NULL,
    seq bigint NOT NULL,
    index smallint NOT NULL,
    kind smallint NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (device_id, boot, seq, index, kind, at)
) PARTITION BY RANGE (at);
CREATE SEQUENCE iot_foreign_reading;
CREATE INDEX iot_reading_at ON iot_reading USING brin (at);
CREATE INDEX iot_reading_device_at ON iot_reading (device_id, kind, at);
CREATE TABLE iot_reading_default PARTITION OF iot_reading DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("iot", "0003_initial")]

    operations = [migrations.RunSQL(FORWARD, "DROP TABLE iot_reading; DROP SEQUENCE iot_foreign_reading")]
