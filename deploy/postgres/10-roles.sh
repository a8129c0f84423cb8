#!/usr/bin/env bash
# Run once by the PostgreSQL image on an empty volume: the owner makes and keeps the tables, the app works in them.
# What the app role may do is granted after every migrate (clinic/grants.py).
set -euo pipefail
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE ROLE mesoclinic_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE mesoclinic_app LOGIN PASSWORD :'app_password';
CREATE DATABASE mesoclinic OWNER mesoclinic_owner;
SQL
