"""Endpoints that show several apps, and the map of API v1."""
