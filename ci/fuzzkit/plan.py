"""Divides the time over the jobs."""

import math
from dataclasses import dataclass


@dataclass
class Piece:
    """A job's turn on one worker; `end` is in seconds from the start of everything."""

    job: int
    end: int


def divide(weights, seconds, workers):
    """(seconds in fact, a list of Pieces for each worker).

    The jobs are laid end to end, each as long as its weight says, and the line is cut into as many equal lengths as
    there are workers. So every worker is busy to the end, whatever the number of jobs: a job that a cut goes through
    runs on two workers, and one that is longer than a worker's length runs on several at a time. libFuzzer counts
    whole seconds, so all lengths are whole, and at least 1.
    """
    total = max(seconds * workers, math.ceil(sum(weights) / min(weights)))
    seconds = math.ceil(total / workers)
    total = seconds * workers
    marks = [0]
    for job in range(len(weights)):
        marks.append(round(total * sum(weights[: job + 1]) / sum(weights)))
    pieces = [[] for _ in range(workers)]
    for job, (start, end) in enumerate(zip(marks, marks[1:])):
        while start < end:
            worker = start // seconds
            stop = min(end, (worker + 1) * seconds)
            pieces[worker].append(Piece(job, stop - worker * seconds))
            start = stop
    return seconds, pieces
