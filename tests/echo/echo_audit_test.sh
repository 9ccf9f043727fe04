#!/bin/bash
# A program that does it right is not named: the echo server under load, audited by the rules of every configuration,
# ends with 0 only if there is no finding. echo_audit_test.sh ECHO_LOAD ECHO POLLER MODE
set -eu
. tests/echo/offered.sh "$2" "$3"
server=$(mktemp "$TEST_TMPDIR/echo.XXXXXX")
printf '#!/bin/bash\nexec %q "$@" --audit portable\n' "$(realpath "$2")" >"$server"
chmod +x "$server"
exec "$1" "$server" "$3" "$4" 300 20
