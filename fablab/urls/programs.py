"""What programs ask, each with a key of its own: a broker, who may speak where; Prometheus, how it goes."""

from django.urls import path

from fablab.views import broker, metrics

urlpatterns = [
    path("api/mqtt/auth", broker.auth, name="mqtt-auth"),
    path("api/mqtt/acl", broker.acl, name="mqtt-acl"),
    path("metrics", metrics.metrics, name="metrics"),
]
