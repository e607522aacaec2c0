# Runs one private PostgreSQL cluster and outlives whoever started it just long enough to clean up.
# Arguments: the cluster's directory, initdb, postgres, then the server's options.
# Standard input is a pipe that the starter holds open: its end, by Close or by the starter's death, stops the server.
# Descriptor 3 is the directory's lock, held until the directory is gone.
dir=$1 initdb=$2 postgres=$3
shift 3
exec 4<&0 </dev/null

"$initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync \
    --auth-local=trust --auth-host=scram-sha-256 3<&- 4<&-
status=$?
if [ $status -eq 0 ]; then
    "$postgres" -D "$dir/data" "$@" 3<&- 4<&- &
    server=$!
    # QUIT is "immediate shutdown", but a shell starts background commands with QUIT ignored: until the server has
    # its own handlers only TERM reaches it.
    { read -r _ <&4; kill -TERM $server; kill -QUIT $server; } 2>/dev/null 3<&- &
    watch=$!
    wait $server
    status=$?
    kill $watch 2>/dev/null
fi
rm -rf "$dir"
exit $status
