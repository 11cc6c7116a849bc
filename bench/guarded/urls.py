"""The site's addresses, with guardian's case list instead of ours."""

from django.urls import path

from bench.guarded.views import case_list
from iom_cases.urls import urlpatterns as ours

urlpatterns = [path("cases/", case_list), *ours]
