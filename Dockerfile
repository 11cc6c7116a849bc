# The site's image: web, worker, beat and migrate are this one with different commands.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# pg_dump and pg_restore of the database's own version, for `manage.py backup` and `restore`. Debian has an older one, so
# they come from PostgreSQL's packages.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --no-create-home --shell /usr/sbin/nologin site
RUN install -d -m 700 -o site /files
WORKDIR /site

COPY requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt

COPY . ./
# Values for this one command alone: it collects files and opens no connection.
RUN DATABASE_URL=postgres://nobody@localhost/none REDIS_URL=redis://localhost/0 \
    FIELD_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    SECRET_KEY=only-for-collecting-static-files-while-the-image-is-built ALLOWED_HOSTS=localhost \
    EMAIL_URL=consolemail:// SITE_URL=http://localhost python manage.py collectstatic --noinput

USER site
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "iom_cases.wsgi", "--bind", "0.0.0.0:8000", "--no-control-socket"]
