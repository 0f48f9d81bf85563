"""`python -m towpath.runner`."""

import sys

from towpath.runner.attempts import main

if __name__ == "__main__":
    sys.exit(main())
