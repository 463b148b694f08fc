from stdatamodels.jwst.datamodels import dqflags

from gpipe import dq


def test_bits_are_those_of_the_data_format():
    ours = {name: value for name, value in vars(dq).items() if name.isupper()}
    theirs = {name: value for name, value in dqflags.pixel.items() if name in ours}
    assert ours == theirs
    assert len(ours) >= 32
