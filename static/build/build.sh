#!/bin/sh
# Makes static/sahayatra.css and refreshes what is vendored, from the versions pinned in package-lock.json.
# Needs npm and a network; the application needs neither, as the results are committed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
static=$(dirname "$here")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here"/package.json "$here"/package-lock.json "$here"/*.scss "$here"/trim.mjs "$work"/
cd "$work"
npm ci --silent --no-audit --no-fund
node_modules/.bin/sass --style=compressed --no-source-map --no-charset --quiet-deps --load-path=. main.scss compiled.css
node trim.mjs < compiled.css > trimmed.css
{
  printf '%s\n' '/* Sahayatra. Parts from govuk-frontend and @ministryofjustice/frontend, MIT: vendor/LICENCES.txt */'
  cat trimmed.css
  echo
} > "$static/sahayatra.css"

htmx=$(node -p "require('./node_modules/htmx.org/package.json').version")
rm -f "$static"/vendor/htmx-*.min.js
cp node_modules/htmx.org/dist/htmx.min.js "$static/vendor/htmx-$htmx.min.js"
printf 'sahayatra.css %s bytes, %s gzipped\n' "$(wc -c < "$static/sahayatra.css")" "$(gzip -9c "$static/sahayatra.css" | wc -c)"
