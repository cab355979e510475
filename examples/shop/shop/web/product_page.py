"""One product's page. Crashes in the same bug as the catalog import, reached by another way."""

from shop.media.thumbnails import Thumbnail


class ProductPage:
    def __init__(self, product):
        self.product = product

    @property
    def picture(self):
        return Thumbnail(self.product + ".webp").load()

    def render(self):
        return "<h1>{}</h1><img src='{!r}'>".format(self.product, self.picture)


def run():
    ProductPage("kettle").render()
