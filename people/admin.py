from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.references import new_reference
from people.models import Person, RoleGrant, Site, Suspension, Team, TeamMembership


@admin.action(description=_("Make a new password, for somebody without e-mail"))
def make_password(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    """Shown once, to be written on the card: its code and this password sign in."""
    for person in queryset:
        password = "-".join(new_reference(4).lower() for _part in range(3))
        person.set_password(password)
        person.save(update_fields=["password"])
        words = {"person": person, "code": person.card_code, "password": password}
        modeladmin.message_user(
            request, gettext("%(person)s signs in with the card code %(code)s and the password %(password)s") % words
        )


class TeamMembershipInline(admin.TabularInline):
    model = TeamMembership
    extra = 0


class RoleGrantInline(admin.TabularInline):
    model = RoleGrant
    fk_name = "person"
    extra = 0


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):
    list_display = ["__str__", "contact_email", "is_active", "joined_at"]
    search_fields = ["first_name", "last_name", "contact_email", "card_code"]
    exclude = ["password", "groups", "user_permissions", "last_login"]
    inlines = [RoleGrantInline]
    actions = [make_password]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is written into an erased row no later erasure takes out again."""
        return super().has_change_permission(request, obj) and (obj is None or obj.erased_at is None)


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    prepopulated_fields = {"slug": ["name"]}


admin.site.register(Suspension)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    prepopulated_fields = {"slug": ["name"]}
    inlines = [TeamMembershipInline]
