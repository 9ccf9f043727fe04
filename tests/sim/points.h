/* The cases, by the points of the kernel's semantics that they are about. */
#ifndef TESTS_SIM_POINTS_H
#define TESTS_SIM_POINTS_H

#include "compare.h"

#include <stdio.h>

void point_0_not_simulated(void);
void point_1_hang_up_and_error_always(void);
void point_2_half_close_if_asked(void);
void point_3_pipe_data_no_writer(void);
void point_4_pipe_drained_no_writer(void);
void point_5_pipe_no_reader(void);
void point_6_fifo(void);
void point_7_tcp_half_close(void);
void point_8_tcp_both_closed(void);
void point_9_tcp_close_with_data(void);
void point_9_tcp_own_end_first(void);
void point_10_tcp_reset(void);
void point_10_tcp_reset_by_unread_data(void);
void point_10_tcp_reset_after_end(void);
void point_11_tcp_unconnected(void);
void point_12_connecting(void);
void point_12_refused(void);
void point_13_listening(void);
void point_13_listener_closed(void);
void point_13_unix_listening(void);
void point_14_unix_stream(void);
void point_14_unix_datagram(void);
void point_15_udp(void);
void point_16_local_shutdown_tcp(void);
void point_16_local_shutdown_unix(void);
void point_17_urgent_data(void);
void point_18_files(void);
void point_19_closed(void);
void point_20_eventfd(void);
void point_20_timerfd(void);
void point_20_nested_sets(void);
void point_21_low_water(void);
void point_22_new_data_is_an_edge(void);
void point_23_both_directions(void);
void point_24_room_in_a_pipe(void);
void point_24_atomic_writes(void);
void point_24_reading_is_an_edge(void);
void point_24_room_in_a_unix_socket(void);
void point_24_buffers_of_a_unix_socket(void);
void point_24_room_in_a_tcp_socket(void);
void point_25_change_rearms(void);
void point_26_queued_but_not_waited(void);
void point_27_hang_up_of_nothing(void);
void point_28_oneshot(void);
void point_29_listener(void);
void point_29_datagrams(void);
void point_29_udp_sender(void);
void point_29_undelivered_datagram(void);
void point_33_key(void);
void point_34_key_again(void);
void point_35_errors(void);
void point_40_exclusive(void);
void point_42_time_left(void);
void point_43_timeouts(void);
void point_44_never_early(void);
void point_46_limits(void);
void point_47_fairness(void);
void point_47_order(void);

#endif
