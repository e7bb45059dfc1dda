"""How long the threads of NumPy's OpenBLAS wait awake for work, after its import and after each product.

They are one for each CPU but the first, and wait for 2^28 ticks of the CPU's counter unless OpenBLAS is told otherwise
before NumPy is imported: 0.1 s on x86, and longer where the counter is slower, as on many arm64 CPUs. That is time
which a start's other threads need, and which a function pays for from its share of a CPU. What is told reaches
processes that are started from here, too, and other packages that have an OpenBLAS of their own, as SciPy has.
Knows nothing of NumPy.
"""

import os

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"
# As powers of two, in ticks: 25 ms on x86, and less than one. Measured on 2 of its CPUs, all-MiniLM-L6-v2 in int8: the
# first vector of a process comes after 96 ms in place of 107, and a query now and then, with a search in 20,000
# vectors, costs 31 ms of CPU time in place of 109. Those that come 30 to 100 ms after the last take up to 1 ms longer,
# since the CPU has gone to rest, too. With 2^20 also those after 5 ms do; in a function of 0.58 CPU, the static model's
# first vector comes after 113 ms in place of 140.
USUAL, IN_A_FUNCTION = "26", "20"

# By the user: the usual time is what the process that started this one may have said, importing airvec.
_was_told = os.environ.get(VARIABLE, USUAL) != USUAL


def wait_awake(power: str) -> None:
    """Have the threads wait for two to this power of ticks, unless the user has said how long."""
    if not _was_told:
        os.environ[VARIABLE] = power
