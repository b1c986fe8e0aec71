"""The page that asks somebody of the team for a second key."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fablab.second_factor import KEYS, has_used_second_key
from people.signed_in import signed_in


@login_required
def second_factor(request: HttpRequest) -> HttpResponse:
    """Why, and the two ways to have one."""
    person = signed_in(request)
    context = {
        "has_key": Authenticator.objects.filter(user=person, type__in=KEYS).exists(),
        "must_sign_in_again": not has_used_second_key(request),
        "has_codes": Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).exists(),
    }
    return render(request, "fablab/second_factor.html", context)
