"""Where the lab is found on the local network."""

from django.urls import path

from fablab.views import address

urlpatterns = [
    path("address/", address.address, name="address"),
    path("address/ca.crt", address.authority, name="address-ca"),
]
