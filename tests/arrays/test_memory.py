import numpy as np

from gpipe.arrays.memory import is_on_host


def test_arrays_of_numpy_alone_are_on_the_host(library):
    found = []
    library.run(lambda x: found.append((is_on_host(x), isinstance(x, np.ndarray))), np.ones((2, 3), np.float32))
    assert found in ([(True, True)], [(False, False)])
