"""The web application, for gunicorn."""

from django.core.wsgi import get_wsgi_application

from iom_cases import environment

environment.prepare()
application = get_wsgi_application()
