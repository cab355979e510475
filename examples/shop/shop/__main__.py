"""``python3 -X faulthandler -m shop COMMAND``: every command really crashes."""

import importlib
import sys

COMMANDS = {
    "import-catalog": "shop.catalog.importer",
    "show-product": "shop.web.product_page",
    "quote": "shop.pricing.quote",
    "search": "shop.search.categories",
    "close-books": "shop.accounting.nightly",
    "check-ledger": "shop.accounting.ledger",
    "sync-stock": "shop.stock.sync",
    "print-invoice": "shop.billing.invoice",
    "read-sales": "shop.storage.sales",
}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print("usage: python3 -X faulthandler -m shop", " | ".join(COMMANDS), file=sys.stderr)
        return 2
    importlib.import_module(COMMANDS[arguments[0]]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
