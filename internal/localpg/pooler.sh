# Runs a PgBouncer, starts it again as a supervisor does where it ends by itself, and outlives whoever started it just long
# enough to clean up. Arguments: its directory, pgbouncer, its configuration. Standard input is a pipe that the starter holds
# open: its end, by Close or by the starter's death, stops the pooler. The file "ready" in the directory says that it has
# taken connections: one that ends before that cannot start.
dir=$1
exec 4<&0 </dev/null
{ read -r _ <&4; : >"$dir/stopping"; kill -TERM "$(cat "$dir/pid")"; } 2>/dev/null & # TERM is PgBouncer's immediate shutdown
watch=$!
while :; do
	"$2" "$3" 4<&- &
	pooler=$!
	echo $pooler >"$dir/pid"
	[ -e "$dir/stopping" ] && kill -TERM $pooler 2>/dev/null
	wait $pooler
	status=$?
	[ -e "$dir/ready" ] && [ ! -e "$dir/stopping" ] || break
	echo "it ended by itself with $status, and is started again"
done
kill $watch 2>/dev/null
rm -rf "$dir"
exit $status
