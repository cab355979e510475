"""Searches the tree of categories. Crashes: SIGSEGV, the C stack overflows below a deep recursion."""

from shop.search.patterns import Pattern

DEPTH = 40
GROUPS_PER_LEVEL = 10_000


class Category:
    def __init__(self, name, child):
        self.name = name
        self.child = child

    def pattern(self, prefix=b""):
        """A pattern that matches this category and all below it, one group inside the other."""
        prefix += b"(" * GROUPS_PER_LEVEL
        if self.child is None:
            return Pattern(prefix).compile()
        return self.child.pattern(prefix)


def run():
    category = None
    for level in range(DEPTH, 0, -1):
        category = Category("level {}".format(level), category)
    category.pattern()
