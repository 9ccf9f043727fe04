/* The layout of struct io_sim, so that it can be placed by the caller. Private: use the functions of
 * sim.h. Everything is made in full when it is taken into use, so that a reset has only counters to
 * set back. */
#ifndef IOATOM_SIM_DETAIL_H
#define IOATOM_SIM_DETAIL_H

enum {
    IO_SIM_FILES = 448,
    IO_SIM_PIPES = 256,
    IO_SIM_SOCKETS = 512,
    IO_SIM_ITEMS = 512,
    IO_SIM_KNOTES = 1536,
    IO_SIM_CHUNKS = 1024,
    IO_SIM_PAGES = 256,
    IO_SIM_PAGE_BYTES = 4096,
    IO_SIM_NAMES = 16,
    IO_SIM_PATH_BYTES = 108,
    IO_SIM_PLANS = 32,
    IO_SIM_RINGS = 8,
    IO_SIM_SUBMISSIONS = 16, /* of a ring: places, */
    IO_SIM_SUBMISSION_BYTES = 64,
    IO_SIM_COMPLETIONS = 256,
    IO_SIM_KEPT = 256,     /* completions that have no place, */
    IO_SIM_REQUESTS = 256, /* and, of all rings, polls */
    IO_SIM_NONE = 0xffff   /* in the place of an index */
};

/* A descriptor number. */
typedef struct io_sim_number {
    uint16_t file; /* IO_SIM_NONE: free */
    uint16_t close_on_exec;
} io_sim_number;

/* Part of a page, in a queue of bytes; a message is one or more of them. */
typedef struct io_sim_chunk {
    uint16_t next, page, start, length;
    uint16_t owner;      /* the socket whose buffer is charged for it, */
    uint16_t generation; /* while it has this generation */
    uint32_t charge;     /* given back when it has been read */
    uint16_t from;       /* the port that a datagram came from; its host: from_ip */
    uint16_t last;       /* the end of a message */
    uint8_t from_ip[16];
} io_sim_chunk;

typedef struct io_sim_queue {
    uint16_t head, tail;
    uint32_t bytes;
    uint32_t chunks;   /* for a pipe: pages */
    uint32_t messages; /* their ends */
} io_sim_queue;

/* An open file: what descriptor numbers share after dup. */
typedef struct io_sim_file {
    uint8_t kind, mode, expired, semaphore;
    uint16_t references;
    uint16_t object;   /* index of its pipe or socket */
    uint16_t items;    /* the epoll items that watch it, */
    uint16_t requests; /* the polls of io_uring */
    uint16_t knotes;   /* and the knotes */
    uint16_t ready[2]; /* an epoll set or a kqueue: first and last of the items with an event */
    uint16_t number;   /* a fifo's count of writers when it was opened */
    int status;        /* O_NONBLOCK ... */
    uint64_t count;    /* eventfd: its value; timerfd: expirations */
    uint64_t due_ns, interval_ns;
} io_sim_file;

typedef struct io_sim_pipe {
    uint16_t used, readers, writers, slots, writer_count, name;
    io_sim_queue queue;
} io_sim_pipe;

/* An internet address: IPv4 as ::ffff:a.b.c.d. */
typedef struct io_sim_address {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
    uint16_t is_set;
} io_sim_address;

typedef struct io_sim_endpoint {
    uint8_t used, family, type, state, shutdown, done, connecting, peer_gone;
    uint8_t reuse_address, reuse_port, only_v6, linger_reset, urgent_inline, urgent, urgent_byte;
    uint8_t no_space, end_waits, tries;
    uint16_t generation, file, peer, name;
    uint16_t pending[2], next_pending, pending_count, pending_most;
    uint32_t send_size, receive_size, low_water, charge, urgent_after;
    int error;
    uint64_t retry_ns;
    io_sim_address local, remote;
    io_sim_queue queue; /* what it has received */
} io_sim_endpoint;

/* What an epoll set knows of a (file, number). */
typedef struct io_sim_item {
    uint16_t set, file, next_of_file, next, previous;
    uint16_t used, linked;
    uint32_t events;
    uint32_t order; /* when it began to watch */
    int fd;
    uint64_t data;
} io_sim_item;

/* A poll of io_uring. */
typedef struct io_sim_request {
    uint16_t ring, file, next_of_file, next_work;
    uint8_t used, multishot, cancelled;
    uint8_t queued;  /* woken, or cancelled, and not dealt with */
    uint8_t deaf;    /* it has heard what it waited for */
    uint8_t lets_go; /* of its file, which it does not watch any more */
    uint32_t events, wakes;
    uint32_t order;  /* when it was armed; one count for these and epoll's items */
    int claim;       /* what the first waker said */
    uint64_t due_ns; /* it is cancelled, but its thread does not run until then; 0: it does */
    uint64_t data;
} io_sim_request;

/* As in the rings that programs see. */
typedef struct io_sim_completion {
    uint64_t data;
    int32_t result;
    uint32_t flags;
} io_sim_completion;

typedef struct io_sim_ring_memory {
    uint32_t sq_head, sq_tail, sq_mask, sq_entries, sq_flags, sq_dropped;
    uint32_t cq_head, cq_tail, cq_mask, cq_entries, cq_flags, cq_overflow;
    uint32_t array[IO_SIM_SUBMISSIONS];
    io_sim_completion completions[IO_SIM_COMPLETIONS];
    uint32_t array_behind[IO_SIM_SUBMISSIONS];
} io_sim_ring_memory;

typedef struct io_sim_ring {
    uint16_t used, lost;
    uint16_t file; /* IO_SIM_NONE: it is closed, and ends at exit_ns */
    uint16_t process;
    uint32_t kept;
    uint64_t exit_ns;
    uint32_t array_at;         /* which of the two arrays of the memory counts */
    uint8_t mapped[2];         /* the memory, the submissions */
    io_sim_ring_memory memory; /* without the arrays it is made in full */
    uint64_t submissions[IO_SIM_SUBMISSIONS][IO_SIM_SUBMISSION_BYTES / sizeof(uint64_t)];
    io_sim_completion keeps[IO_SIM_KEPT];
} io_sim_ring;
/* What a kqueue knows of an (ident, filter). */
typedef struct io_sim_knote {
    uint16_t queue, file, next_of_file, next, previous;
    uint8_t used, linked, disabled, triggered;
    uint16_t flags;
    int16_t filter;
    uint32_t fflags; /* those of EVFILT_USER */
    int64_t data;    /* the same */
    uintptr_t ident;
    void *udata;
} io_sim_knote;

typedef struct io_sim_name {
    char path[IO_SIM_PATH_BYTES];
    uint16_t kind, object, generation;
} io_sim_name;

struct io_sim {
    uint64_t now_ns;
    io_sim_draw draw;
    void *draw_context;
    io_sim_proc idle;
    void *idle_context;
    int fd_limit, fd_end;
    uint16_t file_end, pipe_end, socket_end, item_end, knote_end, chunk_end, page_end, name_end;
    uint16_t chunk_free, page_free;
    uint16_t ring_end, request_end;
    uint16_t work[2]; /* the polls to be dealt with: first and last */
    uint16_t mappings, process;
    uint16_t next_port, running, interrupted;
    uint32_t pipe_signals, shortages, generations;
    uint32_t orders;
    uint32_t steps; /* things that have happened within the current call */
    uint32_t calls[IO_SIM_CALL_KINDS];
    io_sim_fault fault; /* of the call in progress */
    uint16_t event_count, plan_count;
    struct {
        uint64_t at_ns;
        io_sim_proc proc;
        void *context;
    } events[IO_SIM_EVENTS];
    struct {
        int call, error;
        uint32_t nth; /* counted as calls[call] is */
    } plans[IO_SIM_PLANS];

    io_sim_number numbers[IO_SIM_FDS];
    io_sim_file files[IO_SIM_FILES];
    io_sim_pipe pipes[IO_SIM_PIPES];
    io_sim_endpoint sockets[IO_SIM_SOCKETS];
    io_sim_item items[IO_SIM_ITEMS];
    io_sim_ring rings[IO_SIM_RINGS];
    io_sim_request requests[IO_SIM_REQUESTS];
    io_sim_knote knotes[IO_SIM_KNOTES];
    io_sim_name names[IO_SIM_NAMES];
    io_sim_chunk chunks[IO_SIM_CHUNKS];
    uint16_t page_uses[IO_SIM_PAGES]; /* chunks in it */
    uint16_t page_ends[IO_SIM_PAGES]; /* bytes taken in it; of a free one: the next free one */
    unsigned char pages[IO_SIM_PAGES][IO_SIM_PAGE_BYTES];
};

#endif
