/* The names of the library's functions where they are compiled over the simulated kernel, so that a
 * program can have both: in the source io_add, for the linker io_sim_lib_add. Every function and
 * object of the library that has external linkage is here; tests/sim/names_test.sh sees to that. (Those of
 * lib/check are there only with -DIO_CHECK.) */
#ifndef IOATOM_SIM_NAMES_H
#define IOATOM_SIM_NAMES_H

#define io_add io_sim_lib_add
#define io_atom_init io_sim_lib_atom_init
#define io_audit_begin io_sim_lib_audit_begin
#define io_audit_dispatch io_sim_lib_audit_dispatch
#define io_audit_idle io_sim_lib_audit_idle
#define io_audit_name io_sim_lib_audit_name
#define io_backend_epoll io_sim_lib_backend_epoll
#define io_backend_kqueue io_sim_lib_backend_kqueue
#define io_backend_poll io_sim_lib_backend_poll
#define io_backend_select io_sim_lib_backend_select
#define io_backend_uring io_sim_lib_backend_uring
#define io_close io_sim_lib_close
#define io_core_add io_sim_lib_core_add
#define io_core_alarms io_sim_lib_core_alarms
#define io_core_calm io_sim_lib_core_calm
#define io_core_check io_sim_lib_core_check
#define io_core_compact io_sim_lib_core_compact
#define io_core_dispatch io_sim_lib_core_dispatch
#define io_core_exhausted io_sim_lib_core_exhausted
#define io_core_find io_sim_lib_core_find
#define io_core_harvest io_sim_lib_core_harvest
#define io_core_init io_sim_lib_core_init
#define io_core_next io_sim_lib_core_next
#define io_core_pending io_sim_lib_core_pending
#define io_core_remove io_sim_lib_core_remove
#define io_core_request io_sim_lib_core_request
#define io_core_set io_sim_lib_core_set
#define io_core_wake io_sim_lib_core_wake
#define io_deadline io_sim_lib_deadline
#define io_dispatch io_sim_lib_dispatch
#define io_epoll_check io_sim_lib_epoll_check
#define io_exhausted io_sim_lib_exhausted
#define io_fd_check io_sim_lib_fd_check
#define io_kqueue_check io_sim_lib_kqueue_check
#define io_next io_sim_lib_next
#define io_parse_address io_sim_lib_parse_address
#define io_poll_check io_sim_lib_poll_check
#define io_poller_after_fork io_sim_lib_poller_after_fork
#define io_poller_check io_sim_lib_poller_check
#define io_poller_dispose io_sim_lib_poller_dispose
#define io_poller_fd io_sim_lib_poller_fd
#define io_poller_init io_sim_lib_poller_init
#define io_poller_init_in io_sim_lib_poller_init_in
#define io_poller_name io_sim_lib_poller_name
#define io_poller_storage_size io_sim_lib_poller_storage_size
#define io_poller_type io_sim_lib_poller_type
#define io_read io_sim_lib_read
#define io_readv io_sim_lib_readv
#define io_remove io_sim_lib_remove
#define io_ring_close io_sim_lib_ring_close
#define io_ring_open io_sim_lib_ring_open
#define io_ring_put_cancel io_sim_lib_ring_put_cancel
#define io_ring_put_cancel_all io_sim_lib_ring_put_cancel_all
#define io_ring_put_poll io_sim_lib_ring_put_poll
#define io_ring_replace io_sim_lib_ring_replace
#define io_ring_submit io_sim_lib_ring_submit
#define io_ring_take io_sim_lib_ring_take
#define io_ring_wait io_sim_lib_ring_wait
#define io_select_check io_sim_lib_select_check
#define io_set io_sim_lib_set
#define io_socket_accept io_sim_lib_socket_accept
#define io_socket_connect io_sim_lib_socket_connect
#define io_socket_listen io_sim_lib_socket_listen
#define io_timeout_ms io_sim_lib_timeout_ms
#define io_timer_after io_sim_lib_timer_after
#define io_timer_cancel io_sim_lib_timer_cancel
#define io_timer_deadline io_sim_lib_timer_deadline
#define io_timer_init io_sim_lib_timer_init
#define io_timer_now_ns io_sim_lib_timer_now_ns
#define io_timer_set_at io_sim_lib_timer_set_at
#define io_timer_set_in io_sim_lib_timer_set_in
#define io_timers_check io_sim_lib_timers_check
#define io_timers_dispose io_sim_lib_timers_dispose
#define io_timers_init io_sim_lib_timers_init
#define io_timers_poller io_sim_lib_timers_poller
#define io_uring_check io_sim_lib_uring_check
#define io_wait io_sim_lib_wait
#define io_write io_sim_lib_write
#define io_writev io_sim_lib_writev

#endif
