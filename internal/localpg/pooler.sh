# Runs one PgBouncer and outlives whoever started it just long enough to clean up.
# Arguments: its directory, pgbouncer, its configuration. Standard input is a pipe that the starter holds open: its end, by
# Close or by the starter's death, stops the pooler.
dir=$1
exec 4<&0 </dev/null
"$2" "$3" 4<&- &
pooler=$!
{ read -r _ <&4; kill -TERM $pooler; } 2>/dev/null & # TERM is PgBouncer's immediate shutdown
watch=$!
wait $pooler
status=$?
kill $watch 2>/dev/null
rm -rf "$dir"
exit $status
