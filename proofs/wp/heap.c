/* The heap of timers is in a header, as it is inline: its functions are proved here. */
#include "../../lib/timer/heap.h"
