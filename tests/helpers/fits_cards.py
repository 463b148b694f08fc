"""Cards of FITS headers, changed as bytes: astropy would refuse to write what these tests need."""

CARD = 80


def with_card(content, keyword, value, *, extension=None):
    """The bytes of a file with another text for the value of a keyword, of the primary header or an extension's."""
    start = 0 if extension is None else content.index(f"EXTNAME = '{extension}".encode())
    start -= start % CARD
    if extension is not None:
        start = content.rindex(b"XTENSION", 0, start + CARD)
    place = content.index(f"{keyword:8}= ".encode(), start)
    assert place % CARD == 0
    card = f"{keyword:8}= {value:>20}".encode("latin-1").ljust(CARD)
    return content[:place] + card + content[place + CARD :]


def all_cards(content):
    """Places and keywords of the cards of all headers that hold a value."""
    for place in range(0, len(content), CARD):
        card = content[place : place + CARD]
        if card[8:10] == b"= " and card[:8].strip().isascii() and card[:8].strip().decode().isidentifier():
            yield place, card[:8].strip().decode()
