"""Ingest at speed, as it runs in a lab: a real Mosquitto, a durable PostgreSQL, consumers in their own processes."""
