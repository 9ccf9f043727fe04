# Sourced: offered.sh ECHO POLLER. Ends the test, visibly, where the kernel or a sandbox does not let us have that poller.
# Of io_uring alone that is known to happen.
if [ "$2" = uring ] && ! refusal=$("$1" --port 0 --poller "$2" --seconds 1 2>&1 >/dev/null); then
    case $refusal in
    *"cannot make a poller: Function not implemented"*)
        echo "SKIPPED: the kernel does not offer io_uring"
        exit 0
        ;;
    esac
fi
