"""One worker of the shop: installs the reporter, then serves a page that crashes the extension."""

import os
import sys

import faultline

from shop_app.listing import show_page

faultline.install(release=os.environ["SHOP_RELEASE"], environment="demo", tags={"page": "clearance"})

if __name__ == "__main__":
    print(show_page(sys.argv[1]))
