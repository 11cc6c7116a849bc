"""Places in the admin, read-only: they are loaded from the data files."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from geography.models import Country, District, LocalLevel, Province

NAMES = ("code", "name_en", "name_ne")


@admin.register(Province)
class ProvinceAdmin(ReadOnlyAdmin):
    """Provinces."""

    list_display = NAMES
    search_fields = NAMES


@admin.register(District)
class DistrictAdmin(ReadOnlyAdmin):
    """Districts, by province."""

    list_display = (*NAMES, "province")
    list_filter = ("province",)
    list_select_related = ("province",)
    search_fields = (*NAMES, "aliases")


@admin.register(LocalLevel)
class LocalLevelAdmin(ReadOnlyAdmin):
    """Municipalities, by kind and province."""

    list_display = (*NAMES, "kind", "district")
    list_filter = ("kind", "district__province")
    list_select_related = ("district",)
    search_fields = (*NAMES, "aliases")


@admin.register(Country)
class CountryAdmin(ReadOnlyAdmin):
    """Countries."""

    list_display = (*NAMES, "alpha3")
    search_fields = (*NAMES, "alpha3")
