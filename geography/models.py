"""Places: Nepal's provinces, districts and local levels, and countries.

They are loaded from `geography/data` and never typed in. A place that was abolished in 2017 is stored as text by the
row that names it.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core.access import Open
from core.names import NameField

PLACES = Open(("SELECT", "INSERT", "UPDATE"), "names of places; loaded from the data files, the same for all")
_NAMESPACE = uuid.UUID("6f7b1f3e-9c55-5b0e-9a55-0d1f2b7f4c10")


class Place(models.Model):
    """A place with a code and two names. Its id is derived from its code, so it is the same in every installation."""

    id = models.UUIDField(primary_key=True, editable=False)
    code = models.CharField(_("code"), max_length=5)
    name_en = NameField(_("name in English"), max_length=100)
    name_ne = NameField(_("name in Nepali"), max_length=100, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        """Derive the id from the code."""
        if self.pk is None:
            self.pk = self.id_for(self.code)
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        """The name in the language of the page; the English one if there is no Nepali one."""
        return self.name_ne if get_language() == "ne" and self.name_ne else self.name_en

    @classmethod
    def id_for(cls, code: str) -> uuid.UUID:
        """Return the id of the place of this kind with this code."""
        return uuid.uuid5(_NAMESPACE, f"{cls.__name__}:{code}")


class Province(Place):
    """One of Nepal's seven provinces."""

    audit_events = {"geography loaded": _("Loaded place names")}
    access_policy = PLACES

    class Meta:
        ordering = ["code"]
        verbose_name = _("province")
        verbose_name_plural = _("provinces")
        constraints = [models.UniqueConstraint(fields=["code"], name="geography_province_code_once")]


class District(Place):
    """One of Nepal's 77 districts."""

    province = models.ForeignKey(
        Province, verbose_name=_("province"), on_delete=models.PROTECT, related_name="districts"
    )
    aliases = ArrayField(
        models.CharField(max_length=100), verbose_name=_("other spellings"), default=list, blank=True
    )

    access_policy = PLACES

    class Meta:
        ordering = ["code"]
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        constraints = [models.UniqueConstraint(fields=["code"], name="geography_district_code_once")]


class LocalLevel(Place):
    """A municipality or rural municipality: since 2017 the level below the district."""

    class Kind(models.TextChoices):
        """The kinds of local levels."""

        METROPOLITAN = "metropolitan", _("Metropolitan city")
        SUB_METROPOLITAN = "sub_metropolitan", _("Sub-metropolitan city")
        MUNICIPALITY = "municipality", _("Municipality")
        RURAL_MUNICIPALITY = "rural_municipality", _("Rural municipality")

    district = models.ForeignKey(
        District, verbose_name=_("district"), on_delete=models.PROTECT, related_name="local_levels"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    wards = models.PositiveSmallIntegerField(_("number of wards"))
    aliases = ArrayField(
        models.CharField(max_length=100), verbose_name=_("other spellings"), default=list, blank=True
    )

    access_policy = PLACES

    class Meta:
        ordering = ["code"]
        verbose_name = _("local level")
        verbose_name_plural = _("local levels")
        constraints = [
            models.UniqueConstraint(fields=["code"], name="geography_local_level_code_once"),
            models.CheckConstraint(name="geography_local_level_has_wards", condition=models.Q(wards__gte=1)),
        ]


class Country(Place):
    """A country or area of ISO 3166-1; `code` is its alpha-2 code."""

    alpha3 = models.CharField(_("three-letter code"), max_length=3)

    access_policy = PLACES

    class Meta:
        ordering = ["name_en", "code"]
        verbose_name = _("country")
        verbose_name_plural = _("countries")
        constraints = [
            models.UniqueConstraint(fields=["code"], name="geography_country_code_once"),
            models.UniqueConstraint(fields=["alpha3"], name="geography_country_alpha3_once"),
        ]
