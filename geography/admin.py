"""Places, to look at: they come from the data files."""

from typing import ClassVar

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from geography.models import Country, District, LocalLevel, Province


class PlaceAdmin(ReadOnlyAdmin):
    list_display: ClassVar[tuple[str, ...]] = ("code", "name_en", "name_ne")
    list_display_links = ("code", "name_en")
    search_fields: ClassVar[tuple[str, ...]] = ("code", "name_en", "name_ne")


@admin.register(Province)
class ProvinceAdmin(PlaceAdmin):
    pass


@admin.register(District)
class DistrictAdmin(PlaceAdmin):
    list_display = (*PlaceAdmin.list_display, "province")
    list_filter = ("province",)
    list_select_related = ("province",)
    search_fields = (*PlaceAdmin.search_fields, "aliases")


@admin.register(LocalLevel)
class LocalLevelAdmin(PlaceAdmin):
    list_display = (*PlaceAdmin.list_display, "kind", "district")
    list_filter = ("kind", "district__province")
    list_select_related = ("district",)
    search_fields = (*PlaceAdmin.search_fields, "aliases")


@admin.register(Country)
class CountryAdmin(PlaceAdmin):
    list_display = (*PlaceAdmin.list_display, "alpha3")
    search_fields = (*PlaceAdmin.search_fields, "alpha3")
