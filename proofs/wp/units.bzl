"""The units of the proofs. Bazel reads this, and ci/prove. A unit is one C file; its functions are proved one by one.

PROVED units are part of each run and have a Bazel test; OPEN ones are run by name only (ci/prove --unit). OPTIONS: more
options of Frama-C for a unit, of the preprocessor (-D, -I, -U) too.
"""

PROVED = [
    "lib/core/deadline.c",
    "lib/core/table.c",
    "lib/core/harvest.c",
    "lib/core/dispatch.c",
    "lib/poller/atoms.c",
    "lib/poller/events.c",
    "proofs/wp/callbacks.c",
]

OPEN = [
    "proofs/wp/heap.c",
]

OPTIONS = {
}
