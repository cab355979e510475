"""The page that lists products, ranked by an extension module."""

import shop_ranking


class Listing:
    def __init__(self, products):
        self.products = products

    def prices(self):
        return shop_ranking.rank([(p["price"], p["rating"], p["supplier"] is not None) for p in self.products])


def show_page(category):
    products = [{"price": 10.0 + n, "rating": n % 5, "supplier": "acme"} for n in range(20)]
    if category == "clearance":
        products[7]["supplier"] = None
    return Listing(products).prices()
