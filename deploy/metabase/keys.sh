#!/bin/sh
# Tells Metabase which columns of the mirror name rows of other tables, by its API: the mirror has no foreign keys, as Polar hides rows
# that others refer to. It may be run again, and changes only what differs. It needs curl and jq, and keys.json beside it.
#
#	METABASE_URL=https://metabase.example.com METABASE_API_KEY=mb_... keys.sh DATABASE [SCHEMA]
#
# DATABASE is the number of the database in Metabase (Admin, Databases: it ends the address of its page), SCHEMA is polar unless given.
# The key is of a group that may edit the table metadata, such as Administrators (Admin, Authentication, API keys; Metabase 0.49 or newer).
set -eu

fail() {
    echo "keys.sh: $1" >&2
    exit 1
}

[ $# -ge 1 ] && [ $# -le 2 ] || fail "usage: keys.sh DATABASE [SCHEMA]"
[ -n "${METABASE_URL:-}" ] || fail "METABASE_URL is not set: give the address of Metabase, such as https://metabase.example.com"
[ -n "${METABASE_API_KEY:-}" ] || fail "METABASE_API_KEY is not set: make a key in Admin, Authentication, API keys"
for program in curl jq; do
    command -v "$program" >/dev/null || fail "$program is not installed"
done
database=$1 schema=${2:-polar} url=${METABASE_URL%/}

# The key goes to curl by its standard input, so that no list of processes shows it.
metadata=$(printf 'header = "x-api-key: %s"\n' "$METABASE_API_KEY" |
    curl --silent --show-error --fail --max-time 120 --config - "$url/api/database/$database/metadata?include_hidden=true") ||
    fail "Metabase does not tell the tables of database $database: is the number right, and the key?"

# The fields that are to change, and what they shall be: a line for each.
changes=$(printf '%s' "$metadata" | jq --compact-output --arg schema "$schema" --slurpfile keys "$(dirname "$0")/keys.json" '
    [.tables[] | select(.schema == $schema) | .name as $table | .fields[] | {key: "\($table).\(.name)", value: .}] | from_entries as $fields
    | if ($fields | length) == 0 then error("Metabase knows no table of the schema \($schema): sync the database there first") else . end
    | ($keys[0].primary[] | $fields[. + ".id"] | select(. != null) | select(.semantic_type != "type/PK") | {id, body: {semantic_type: "type/PK"}}),
      ($keys[0].foreign[] | $fields["\(.target).id"].id as $target | $fields["\(.table).\(.column)"]
        | select(. != null and $target != null) | select(.semantic_type != "type/FK" or .fk_target_field_id != $target)
        | {id, body: {semantic_type: "type/FK", fk_target_field_id: $target}})') || fail "nothing was changed"

if [ -z "$changes" ]; then
    echo "0 fields changed"
    exit 0
fi
# All by one curl and one connection. A text of curl's configuration is quoted as one of JSON.
export METABASE_API_KEY url
printf '%s\n' "$changes" | jq --raw-output '
    "url = \("\(env.url)/api/field/\(.id)" | @json)", "request = \"PUT\"", "data = \(.body | tojson | @json)",
    "header = \("x-api-key: " + env.METABASE_API_KEY | @json)", "header = \"Content-Type: application/json\"",
    "silent", "show-error", "fail", "next"' |
    sed '$d' | # no request follows the last
    curl --fail-early --config - >/dev/null || fail "Metabase refused a change: may the key edit the table metadata? Those before it are made; run it again"
echo "$(printf '%s\n' "$changes" | wc -l | tr -d ' ') fields changed"
