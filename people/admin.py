from django.contrib import admin

from people.models import Person, RoleGrant, Site, Suspension, Team


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


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    prepopulated_fields = {"slug": ["name"]}


admin.site.register(Suspension)
admin.site.register(Team)
