"""What every page's foot leads to, and what each person may do with their own data."""

from django.urls import path, re_path

from fablab.views import about, help, mqtt_docs, personal_data

urlpatterns = [
    path("privacy/", about.privacy, name="privacy"),
    path("privacy/register/", about.register, name="privacy-register"),
    path("privacy/leaving/", about.leaving, name="privacy-leaving"),
    path("legal/", about.legal, name="legal"),
    path("accessibility/", about.accessibility, name="accessibility"),
    path("contact/", about.contact, name="contact"),
    path("api/mqtt/", mqtt_docs.index, name="mqtt-docs"),
    path("api/mqtt/asyncapi.yaml", mqtt_docs.asyncapi, name="mqtt-asyncapi"),
    path("api/mqtt/schema.json", mqtt_docs.schema, name="mqtt-schema"),
    path("help/", help.index, name="help"),
    re_path(r"^help/pictures/(?P<name>[a-z0-9-]+\.png)$", help.picture, name="help-picture"),
    path("help/<slug:slug>/", help.page, name="help-page"),
    path("me/data/", personal_data.my_data, name="me-data"),
    path("me/data/export/", personal_data.my_export, name="me-data-export"),
    path("me/data/erase/", personal_data.erase_me, name="me-data-erase"),
    path("manage/people/<slug:reference>/export/", personal_data.export_person, name="people-export"),
    path("manage/people/<slug:reference>/erase/", personal_data.erase_someone, name="people-erase"),
]
