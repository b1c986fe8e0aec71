"""What leaves the place: the list of loans, handing over and taking back, photos."""

from django.urls import URLPattern, path, re_path

from fablab.views import loans

urlpatterns: list[URLPattern] = [
    path("desk/loans/", loans.loans, name="desk-loans"),
    path("desk/loans/<slug:reference>/", loans.loan, name="desk-loan"),
    path("desk/loans/<slug:reference>/photos/", loans.add, name="desk-loan-photo"),
    re_path(r"^loans/photos/(?P<pk>\d{1,18})/$", loans.photo, name="loan-photo"),
]
