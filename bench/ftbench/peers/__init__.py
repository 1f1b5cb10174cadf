"""The programs that take part, each with its best honest settings. All have the same shape, so that rows need not know them."""
