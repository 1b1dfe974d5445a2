"""The checker as a program: ``python -m proofs.checker CERTIFICATE``, or ``checker.pyz``."""

import sys
from pathlib import Path

from . import Rejected, check


def main() -> int:
    """Verify the certificate that is named; return 0, 1 if a claim fails, 2 if none is there."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: checker CERTIFICATE\n")
        return 2
    try:
        sentences = check(Path(sys.argv[1]))
    except Rejected as error:
        sys.stderr.write(f"{'rejected' if error.status == 1 else 'unreadable'}: {error}\n")
        return error.status
    except MemoryError:
        sys.stderr.write("unreadable: the memory does not suffice\n")
        return 2
    sys.stdout.write("\n".join([*sentences, "All of this has been checked.\n"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
